from __future__ import annotations

import pytest

from generator.manifest.document import MAX_DEPTH, MalformedText, build_document
from generator.manifest.yaml_text import yaml_events


def test_values_and_lines() -> None:
    text = (
        '# about\na:\n  - 1\n  - x: true # yes\n    y: ~\n\nb: |\n  two\n  lines\nc: {d: "e", f: -1.5e3}\n"g": 1:30\n'
    )
    document = build_document(yaml_events(text))
    assert document.plain == {
        "a": [1, {"x": True, "y": None}],
        "b": "two\nlines\n",
        "c": {"d": "e", "f": -1500.0},
        "g": "1:30",
    }
    assert document.lines == {
        (): 2, ("a",): 2, ("a", 0): 3, ("a", 1): 4, ("a", 1, "x"): 4, ("a", 1, "y"): 5, ("b",): 7,
        ("c",): 10, ("c", "d"): 10, ("c", "f"): 10, ("g",): 11,
    }  # fmt: skip


BILLION_LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (BILLION_LAUGHS, 1, '"&a": anchors and aliases are not allowed; write the value itself'),
        ("a: 1\nb: *a", 2, '"*a": anchors and aliases are not allowed; write the value itself'),
        ("a:\n  <<: *b", 2, '"<<" is a special word in YAML'),
        ("a: !!python/object/apply:os.system [id]", 1, '"tag:yaml.org,2002:python/object/apply:os.system": tags'),
        ("a: !!str 1", 1, '"tag:yaml.org,2002:str": tags are not allowed; remove it'),
        ("a: !x {}", 1, '"!x": tags are not allowed; remove it'),
        ("a: 1\n---\nb: 2", 2, "a second YAML document starts here; a manifest is one document"),
        ("a: 1\n1: 2", 2, "the key 1 is not a string; put it in quotes"),
        ("a: 1\n2020-01-01: 2", 2, '"2020-01-01" is a date in YAML, and a manifest has none; put a string in quotes'),
        ("? [a]\n: 1", 1, "a key here is a list or an object; it must be a string"),
        ("a: 1\n\tb: 2", 2, "this is not YAML: column 1: found character '\\\\t' that cannot start any token"),
        ("a: b: c", 1, "this is not YAML: column 5: mapping values are not allowed here"),
        ("a: [1\n", 2, "this is not YAML: column 1: expected ',' or ']', but got '<stream end>'"),
        ('a: 1\nb: "\\U' + "9" * 99, 2, "this is not YAML, here or just after: "),
        ('a: 1\nb: "\\UFFFFFFFF"', 2, "this is not YAML, here or just after: "),
        ("%YAML " + "9" * 5000 + ".1\n---\na: 1", 1, "this is not YAML, here or just after: Exceeds the limit"),
        ("", 1, "there is nothing in this file"),
        ("# only a comment\n", 1, "there is nothing in this file"),
    ],
)
@pytest.mark.attack("a manifest of aliases or endless depth is refused")
def test_texts_that_are_refused(text: str, line: int, sentence: str) -> None:
    with pytest.raises(MalformedText) as refused:
        build_document(yaml_events(text))
    assert refused.value.problem.sentence.startswith(sentence)
    assert refused.value.problem.line == line


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2020-01-01", "is a date in YAML"),
        ("2020-01-01 10:00:00", "is a date in YAML"),
        (".nan", "is not a number in JSON"),
        ("-.inf", "is not a number in JSON"),
        ("012", "is not a number in JSON"),
        ("0x1f", "is not a number in JSON"),
        ("1_000", "is not a number in JSON"),
        ("+1", "is not a number in JSON"),
        ("1e999", "is too large a number"),
        ("9" * 5000, "a number of 5,000 characters is too long"),
        ("<<", "is a special word in YAML"),
        ('"\\ud800"', "has half of a surrogate pair"),
    ],
)
def test_scalars_that_json_does_not_have(text: str, part: str) -> None:
    document = build_document(yaml_events(f"a:\n- {text}\n"))
    assert document.plain == {"a": [None]}
    assert [(each.loc, part in each.sentence) for each in document.problems] == [(("a", 0), True)]


def test_yes_of_yaml_1_1_is_no_boolean() -> None:
    document = build_document(yaml_events("%YAML 1.1\n---\na: yes\n"))
    assert [each.sentence for each in document.problems] == [
        '"yes" is yes or no in YAML, and a manifest has none; put a string in quotes'
    ]


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? "])
@pytest.mark.attack("a manifest of aliases or endless depth is refused")
def test_depth_has_a_limit(opening: str) -> None:
    with pytest.raises(MalformedText):
        build_document(yaml_events(opening * 200_000))
    with pytest.raises(MalformedText, match=f"nested more than {MAX_DEPTH} levels deep"):
        build_document(yaml_events("\n[" * 200_000))
