from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.github_actions.step_files import MAX_SUMMARY, cut_to, write_step_outputs, write_step_summary


@pytest.mark.attack("no value of a step's output begins another")
def test_outputs_cannot_begin_another(tmp_path: Path) -> None:
    file = tmp_path / "output"
    write_step_outputs({"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(file)}, {"a": "1\nb<<end\n2\nend", "c": ""})
    lines = file.read_text().split("\n")
    end = lines[0].removeprefix("a<<")
    assert lines == [f"a<<{end}", "1", "b<<end", "2", "end", end, f"c<<{end}", "", end, ""]
    assert len(end) > 30


def test_nothing_is_written_outside_of_github(tmp_path: Path) -> None:
    file = tmp_path / "output"
    write_step_outputs({"GITHUB_OUTPUT": str(file)}, {"a": "1"})
    write_step_summary({"GITHUB_ACTIONS": "true"}, "text")
    assert not file.exists()


def test_a_step_never_writes_more_than_github_shows(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)}
    for _ in range(4):
        write_step_summary(environment, "é" * 999 + "\n" * 300_000)
    assert MAX_SUMMARY - 2 < file.stat().st_size <= MAX_SUMMARY
    assert "too long for a summary" in file.read_text()


@given(st.text(max_size=300), st.integers(0, 400))
def test_a_cut_text_is_whole_or_says_that_it_is_cut(text: str, limit: int) -> None:
    shown = cut_to(text, limit)
    assert len(shown.encode(errors="surrogatepass")) <= max(limit, 0)
    assert shown == text or shown == "" or "too long for a summary" in shown
