from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.manifest.document import MAX_DEPTH, MalformedText, build_document
from generator.manifest.json_text import json_events

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None, max_examples=150)
@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_json_text_has_the_values_of_the_standard_library(
    value: object, indent: int | None, ascii_: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_)
    assert build_document(json_events(text)).plain == json.loads(text)


def test_lines_with_every_kind_of_space_and_string() -> None:
    text = '\n\n{ "a\\n\\"{[": [1,\n\n true , {"b"\n:\t"\\ud83d\\ude00]"}],\n"c":\nnull}\n'
    document = build_document(json_events(text))
    assert document.plain == {'a\n"{[': [1, True, {"b": "\U0001f600]"}], "c": None}
    key = 'a\n"{['
    assert document.lines == {(): 3, (key,): 3, (key, 0): 3, (key, 1): 5, (key, 2): 5, (key, 2, "b"): 5, ("c",): 7}


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("[1,\n 2,\n]", 2, "column 3: there is a comma before the closing bracket; remove it"),
        ('{"a": 1,}', 1, "column 8: there is a comma before the closing bracket; remove it"),
        ('{"a": 1,, "b": 2}', 1, "column 9: a key in double quotes is expected"),
        ("{'a': 1}", 1, "column 2: a key in double quotes is expected"),
        ("{a: 1}", 1, "column 2: a key in double quotes is expected"),
        ('{"a" 1}', 1, "column 6: a colon is expected after the key"),
        ("[1\n 2]", 2, "column 2: a comma or the end of the list or object is expected"),
        ('{"a":\n}', 2, "column 1: a value is expected"),
        ("[1] // no", 1, "column 5: there is text after the end of the JSON value; remove it"),
        ('["a\tb"]', 1, "column 4: a string has a raw tab, line break or control character; escape it, as in \\t"),
        ('["a\nb"]', 1, "column 4: a string has a raw tab, line break or control character; escape it, as in \\t"),
        ('{"a": "b', 1, "column 7: a string has no end; close it with a double quote"),
        ('["\\x41"]', 1, "column 3: a backslash in a string starts no valid escape; write two backslashes"),
        ('["\\u12"]', 1, "column 4: a backslash in a string starts no valid escape; write two backslashes"),
        ("nope", 1, "column 1: a value is expected"),
    ],
)
def test_invalid_json(text: str, line: int, sentence: str) -> None:
    with pytest.raises(MalformedText) as refused:
        list(json_events(text))
    assert refused.value.problem.line == line
    assert refused.value.problem.sentence == f"this is not JSON: {sentence}"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_invalid_numbers(word: str) -> None:
    document = build_document(json_events(f"[\n{word}]"))
    assert document.plain == [None]
    assert [(each.loc, document.line(each.loc)) for each in document.problems] == [((0,), 2)]


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 500, 200_000])
@pytest.mark.parametrize("opening", ["\n[", '\n{"a":'])
def test_the_depth_limit_is_the_same_for_every_text(levels: int, opening: str) -> None:
    with pytest.raises(MalformedText, match="nested more than") as refused:
        build_document(json_events(opening * levels + "1" + ("]" if opening == "\n[" else "}") * levels))
    assert refused.value.problem.line == MAX_DEPTH + 2
