from __future__ import annotations

import pytest

from generator.manifest.document import MAX_DEPTH, MAX_VALUES, Document, Event, MalformedText, build_document


def test_values_and_their_lines() -> None:
    document = build_document(
        [
            Event("object", 1),
            Event("scalar", 2, "names"),
            Event("list", 3),
            Event("scalar", 4, "a"),
            Event("object", 5),
            Event("end", 5),
            Event("end", 6),
            Event("end", 7),
        ]
    )
    assert document.plain == {"names": ["a", {}]}
    assert document.lines == {(): 1, ("names",): 2, ("names", 0): 4, ("names", 1): 5}
    assert document.problems == ()


def test_a_missing_value_has_the_line_of_its_object() -> None:
    document = Document(lines={(): 1, ("fleet",): 3})
    assert document.line(("fleet", "limits", "github_jobs")) == 3
    assert document.line(("crates",)) == 1
    assert Document().line(("a", 0)) == 1


def test_the_last_duplicate_key_counts_and_all_but_the_first_are_problems() -> None:
    events = [Event("object", 1)]
    for line, value in ((2, 10), (3, 20), (5, 30)):
        events += [Event("scalar", line, "a"), Event("scalar", line, value)]
    document = build_document([*events, Event("end", 6)])
    assert document.plain == {"a": 30}
    assert [(each.loc, each.line, each.sentence) for each in document.problems] == [
        (("a",), 3, 'the key "a" was given before (line 2); keep one of the two'),
        (("a",), 5, 'the key "a" was given before (line 3); keep one of the two'),
    ]


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (Event("scalar", 2, 1), "the key 1 is not a string; put it in quotes"),
        (Event("scalar", 2), "the key null is not a string; put it in quotes"),
        (Event("scalar", 2, None, "because"), "because"),
        (Event("list", 2), "a key here is a list or an object; it must be a string"),
    ],
)
def test_keys_that_are_no_strings(key: Event, sentence: str) -> None:
    with pytest.raises(MalformedText) as refused:
        build_document([Event("object", 1), key])
    assert (refused.value.problem.line, refused.value.problem.sentence) == (2, sentence)


def test_depth_at_the_limit_and_above_it() -> None:
    opened = [Event("list", line) for line in range(1, MAX_DEPTH + 1)]
    assert build_document([*opened, *[Event("end", 99)] * MAX_DEPTH]).line((0,) * (MAX_DEPTH - 1)) == MAX_DEPTH
    with pytest.raises(MalformedText) as refused:
        build_document([*opened, Event("list", MAX_DEPTH + 1)])
    assert refused.value.problem.line == MAX_DEPTH + 1


@pytest.mark.parametrize("member", [[Event("scalar", 7, 1)], [Event("scalar", 7, "a"), Event("scalar", 7, 1)]])
def test_too_many_values_stop_the_parser_even_under_one_key(member: list[Event]) -> None:
    opening = Event("list" if len(member) == 1 else "object", 1)
    with pytest.raises(MalformedText, match=f"more than {MAX_VALUES:,} values"):
        build_document([opening, *member * MAX_VALUES])


def test_no_value_at_all() -> None:
    with pytest.raises(MalformedText, match="nothing in this file"):
        build_document([])
