"""`plan --explain` and `plan --skip-unchanged`: the inputs of crates now against those that their last builds had."""

from __future__ import annotations

import json
from pathlib import Path

from generator.manifest.reading import load_manifest
from generator.reports.index import INDEX, fleet_index
from generator.reports.models import Report
from tests.builds.scripted import env_of, prepared, rules_for, scripted_fleet
from tests.e2b_server import E2BServer
from tests.support import Ran, cratematrix


def test_a_plan_names_the_inputs_that_changed_since_the_last_build(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 2, env=["FLAG"]), path)
    manifest = top / "crates.json"

    def explained(crate: str, *words: str, **variables: str) -> str:
        env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), **variables}
        ran = cratematrix("plan", "--backend", "e2b", "--explain", crate, *words, cwd=top, env=env)
        assert ran.code == 0, ran.err
        return ran.out

    def counted(*words: str) -> list[str]:
        env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        ran = cratematrix("plan", "--backend", "e2b", "--skip-unchanged", *words, cwd=top, env=env)
        assert ran.code == 0, ran.err
        return ran.err.splitlines()

    assert explained("c0") == "not known\n"
    assert counted()[0] == "note: every crate counts as built: there is no dist/report.json of an earlier build"
    with E2BServer(rules_for(top)) as server:
        words = ("build", "--crate", "c0", "--backend", "e2b")
        built: Ran = cratematrix(*words, cwd=top, env=env_of(server, tmp_path))
        assert built.code == 0, built.err
    report = Report.model_validate_json((top / "dist/report.json").read_text())
    (tmp_path / INDEX).write_bytes(fleet_index(load_manifest(manifest), report, "v1.0.0", "0" * 40).content)
    index = ("--previous", str(tmp_path / INDEX))

    assert explained("c0") == explained("c0", *index) == "unchanged\n"
    assert explained("c1") == "not known\n"
    assert explained("c0", FLAG="secret") == "values of env\n"
    assert counted()[1] == "1 of 2 crates to build; 1 unchanged since the last build"
    (top / "c0/src/lib.rs").write_text("// changed\n")
    (top / "c0/Cargo.lock").write_text((top / "c0/Cargo.lock").read_text() + "\n")
    text = json.loads(manifest.read_text())
    text["crates"][0]["size"] = "large"
    manifest.write_text(json.dumps(text))
    assert explained("c0") == "sources\nlock files\nsetting size\n"
    assert counted(*index)[:3] == [
        "comparing 2 crates with v1.0.0",
        "note: c0 counts as built, because its cache key is not known here: FLAG of env is not set",
        "no crate is unchanged since v1.0.0",
    ]
    assert json.loads(explained("c0", "--json", *index))["explained"] == {
        "crate": "c0", "changed": ["sources", "lock files", "setting size"], "not_known": [],
    }  # fmt: skip
    ran = cratematrix("plan", "--explain", "c2", cwd=top)
    assert (ran.code, ran.out, ran.err) == (2, "", "error: the manifest has no crate c2\n  fix: cratematrix plan\n")
