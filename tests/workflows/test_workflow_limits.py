from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import InputError
from generator.workflows.limits import check_workflows, expression_length

PATH = ".github/workflows/x.yml"
STEP = "jobs: {a: {steps: [{run: SCRIPT}]}}\n"


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(InputError, match=r"^the workflows exceed GitHub's limits$") as caught:
        check_workflows({PATH: text})
    return caught.value.problems


def test_a_file_may_be_512000_bytes_and_no_more() -> None:
    text = "name: x\n# "
    check_workflows({PATH: text + "é" * 255_995})
    assert problems(text + "é" * 255_995 + "x") == (f"{PATH}: 512001 bytes, but GitHub allows 512000 for a workflow",)


def test_a_script_may_be_21000_characters_and_no_more() -> None:
    check_workflows({PATH: STEP.replace("SCRIPT", "x" * 21_000)})
    assert problems(STEP.replace("SCRIPT", "x" * 21_001)) == (
        f"{PATH}: $.jobs.a.steps[0].run is a script of 21001 characters, but GitHub allows 21000",
    )


def test_an_expression_may_be_21000_characters_and_no_more() -> None:
    longest = "a" * 21_000
    check_workflows({PATH: f"name: ${{{{   {longest}   }}}}"})
    assert problems(f"name: x ${{{{ {longest} }}}}")
    assert problems(f"name: ${{{{ {longest}b }}}}") == (
        f"{PATH}: $.name is an expression of 21001 characters, but GitHub allows 21000",
    )


def test_every_problem_is_listed_and_files_other_than_workflows_have_no_limit() -> None:
    with pytest.raises(InputError) as caught:
        check_workflows({PATH: STEP.replace("SCRIPT", "x" * 21_001), PATH + "2": "#" * 512_001, "a/b": "#" * 512_001})
    assert [problem.split(":")[0] for problem in caught.value.problems] == [PATH, PATH + "2"]


@pytest.mark.parametrize(
    ("scalar", "expression"),
    [
        ("plain { text } '' $ {{ x }}", ""),
        ("${{ matrix.shard }}", "matrix.shard"),
        ("${{ '}}' }}", "'}}'"),
        ("${{ 'it''s }}' }}", "'it''s }}'"),
        ("${{a}}", "a"),
        ("a ${{ b }}", "format('a {0}', b)"),
        ("${{ a }}-${{ b }}", "format('{0}-{1}', a, b)"),
        ("it's {${{ a }}}", "format('it''s {{{0}}}', a)"),
        ("${{ not closed", ""),
        ("${{ 'not closed }}", ""),
    ],
)
def test_the_length_is_that_of_the_expression_that_github_evaluates(scalar: str, expression: str) -> None:
    assert expression_length(scalar) == len(expression)


@given(st.text(st.sampled_from("a'")).filter(lambda text: text.count("'") % 2 == 0), st.text("ab {}"))
def test_strings_hide_the_end_of_an_expression(inner: str, after: str) -> None:
    string = "'" + inner.replace("'", "''") + "}}'"
    assert expression_length(f"${{{{ {string} }}}}") == len(string)
    assert expression_length(f"${{{{ {string} }}}}{after}") >= len(string)
