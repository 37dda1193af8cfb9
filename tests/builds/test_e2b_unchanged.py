"""Builds with the index of the release before: no sandbox for a crate that did not change."""

from __future__ import annotations

from pathlib import Path

from generator.manifest.reading import load_manifest
from generator.reports.index import INDEX, fleet_index
from generator.reports.models import Report
from tests.builds.scripted import env_of, prepared, rules_for, scripted_fleet
from tests.e2b_server import E2BServer
from tests.support import Ran, cratematrix


def test_only_changed_crates_get_a_sandbox(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 3, env=["FLAG"]), path)
    with E2BServer(rules_for(top)) as server:

        def build(out: str, *words: str, **variables: str) -> Ran:
            env = {**env_of(server, tmp_path / out), **variables}
            return cratematrix("build", "--all", "--backend", "e2b", "--out", out, *words, cwd=top, env=env)

        def names() -> list[str]:
            """Return the crates of the sandboxes since the last call."""
            found = [record.metadata["crate"] for record in server.created()[len(seen) :]]
            seen.extend(found)
            return sorted(found)

        seen: list[str] = []
        assert build("one").code == 0
        assert names() == ["c0", "c1", "c2"]
        first = report_in(top / "one")
        index = fleet_index(load_manifest(top / "crates.json"), first, "v1.0.0", "0" * 40)
        (top / INDEX).write_bytes(index.content)

        ran = build("two", "--previous", INDEX)
        assert (ran.code, names()) == (0, []), ran.err
        assert "3 crates not built again: unchanged since v1.0.0" in ran.err
        second = report_in(top / "two")
        assert [(crate.state, crate.attempts) for crate in second.crates] == [("built", 0)] * 3
        assert [crate.cache_key for crate in second.crates] == [crate.cache_key for crate in first.crates]
        assert (second.cost, first.cost > 0) == (0, True)

        (top / "c1/src/lib.rs").write_text("// changed\n")
        ran = build("three", "--previous", INDEX)
        assert (ran.code, names()) == (0, ["c1"]), ran.err
        third = report_in(top / "three")
        assert [crate.unchanged_since for crate in third.crates] == ["v1.0.0", None, "v1.0.0"]

        # The key would depend on a value that is nobody else's business.
        ran = build("four", "--previous", INDEX, FLAG="secret")
        assert (ran.code, names()) == (0, ["c0", "c1", "c2"]), ran.err
        assert [crate.cache_key for crate in report_in(top / "four").crates] == [None] * 3


def report_in(out: Path) -> Report:
    return Report.model_validate_json((out / "report.json").read_text())
