"""The comparison of a crate's inputs with those of the run before."""

from __future__ import annotations

import pytest

from generator.planning.explanation import explain

BEFORE = {"sources": "a" * 16, "toolchain": "b" * 16, "setting size": "c" * 16}


@pytest.mark.parametrize(
    ("before", "now", "secret", "lines"),
    [
        (BEFORE, BEFORE, (), ("unchanged",)),
        (None, BEFORE, (), ("not known",)),
        (BEFORE, {**BEFORE, "toolchain": "d" * 16, "sources": "e" * 16}, (), ("sources", "toolchain")),
        (BEFORE, {**BEFORE, "setting glibc": "d" * 16}, (), ("setting glibc",)),
        ({**BEFORE, "setting old": "d" * 16}, BEFORE, (), ("setting old",)),
        (BEFORE, BEFORE, ("values of env",), ("values of env: not known",)),
        ({**BEFORE, "values of env": "d" * 16}, BEFORE, ("values of env",), ("values of env",)),
    ],
)
def test_each_changed_input_has_a_line(
    before: dict[str, str] | None, now: dict[str, str], secret: tuple[str, ...], lines: tuple[str, ...]
) -> None:
    assert explain("one", before, now, secret).lines == lines
