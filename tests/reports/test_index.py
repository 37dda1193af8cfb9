"""The fleet index: what a report becomes, what is read, and the documented example."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.reports.index import (
    INDEX,
    MAX_INDEX_BYTES,
    FleetIndex,
    IndexedCrate,
    fleet_index,
    load_index,
    read_index,
)
from generator.reports.models import Artifact, CrateReport, Failure, Phase, Report, SandboxUse, Unit
from tests.support import TOP

PAGE = (TOP / "docs/fleet-index.md").read_text()
COMMIT = "0" * 40
KEY = "a" * 64
PACKAGE = Artifact(file="demo-one-1.0.0.tgz", bytes=7, sha256="b" * 64)
USE = SandboxUse(
    sandbox="one", attempt=2, size="large", cpus=4, memory_mib=8_192, seconds=9.0, peak_disk=3, failure="x"
)
BUILT = CrateReport(
    name="one", version="1.0.0", kind="napi", state="built", attempts=2, cache_key=KEY, seconds=12.0,
    units=(Unit(platform="linux-x64-gnu", state="built", seconds=2.5),),
    phases=(Phase(name="fetch", seconds=1.0), Phase(name="compile", seconds=2.5), Phase(name="compile", seconds=0.7)),
    peak_memory=5, sandboxes=(USE.model_copy(update={"attempt": 1}), USE), cost=0.5, package=PACKAGE,
    packages=(PACKAGE,),
)  # fmt: skip


def manifest(*names: str) -> Manifest:
    crates: list[dict[str, Any]] = [
        {"name": name, "version": "1.0.0", "kind": "napi", "source": {"path": name}} for name in names
    ]
    head = {"schema_version": 1, "fleet": {"npm_scope": "@demo"}, "crates": crates}
    return Manifest.model_validate(head, strict=False)


def index_of(*crates: CrateReport, names: tuple[str, ...] = ("one",)) -> FleetIndex:
    report = Report(backend="e2b", isolated=True, seconds=1.0, currency="USD", prices_of="2026-11-25", crates=crates)
    return fleet_index(manifest(*names), report, "v1.0.0", COMMIT)


def test_an_index_has_what_a_report_measured() -> None:
    index = index_of(BUILT)
    assert (index.tag, index.commit, index.currency) == ("v1.0.0", COMMIT, "USD")
    (crate,) = index.crates
    assert (crate.cache_key, crate.packages, crate.cost, crate.reason) == (KEY, (PACKAGE,), 0.5, None)
    assert crate.phases == {"fetch": 1.0, "compile": 3.2}
    assert crate.sandbox == USE.model_copy(update={"failure": None})
    assert [(unit.platform, unit.seconds) for unit in crate.units] == [("linux-x64-gnu", 2.5)]


def test_every_crate_of_the_manifest_is_in_the_index_with_a_reason() -> None:
    failure = Failure(failure_class="permanent", phase="compile", message="no\x1b[31m\nred", file="src/lib.rs", line=7)
    failed = CrateReport(name="two", version="1.0.0", kind="napi", state="failed", failure=failure, packages=(PACKAGE,))
    skipped = CrateReport(
        name="three", version="1.0.0", kind="napi", state="skipped",
        units=(Unit(platform="wasm32", state="skipped", reason="no tools"),),
    )  # fmt: skip
    index = index_of(BUILT, failed, skipped, names=("two", "one", "three", "four"))
    assert [(crate.name, crate.state, crate.reason) for crate in index.crates] == [
        ("four", "not_run", "no report has this crate"),
        ("one", "built", None),
        ("three", "skipped", "no tools"),
        ("two", "failed", "src/lib.rs:7: no red"),
    ]
    assert index.packages == {PACKAGE.file: PACKAGE}


@given(st.text(max_size=3_000), st.text(max_size=300))
def test_any_text_of_a_crate_is_one_bounded_line(message: str, file: str) -> None:
    failure = Failure(failure_class="permanent", phase="compile", message=message, file=file)
    failed = CrateReport(name="one", version="1.0.0", kind="napi", state="failed", failure=failure)
    index = index_of(failed)
    reason = index.crates[0].reason or ""
    assert len(reason) <= 1_000
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", reason)
    assert read_index(index.content, INDEX) == index


def test_an_index_is_written_and_read() -> None:
    index = index_of(BUILT)
    assert read_index(index.content, INDEX) == index
    assert json.loads(index.content)["index_version"] == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "of v1 is not a fleet index: the file: Invalid JSON"),
        (b"[]", "of v1 is not a fleet index: the file: Input should be an object"),
        (b'{"index_version": 2, "new": 1}', "of v1 has version 2, and this version of cratematrix reads 1"),
        (b'{"index_version": 1}', "of v1 is not a fleet index: tag: Field required"),
        (b"[" * 100_000, "of v1 is not a fleet index: the file: Invalid JSON"),
        (b" " * (MAX_INDEX_BYTES + 1), "of v1 is larger than 16 MiB, so it is no fleet index"),
        (b'{"index_version": 1, "tag": "t", "commit": "c", "backend": "\\u001b[31m", "crates": []}',
         "of v1 is not a fleet index: backend: Input should be 'local' or 'e2b'"),
    ],
)  # fmt: skip
def test_what_is_no_index_is_refused_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_index(content, "fleet.json of v1")
    assert sentence in caught.value.message
    assert caught.value.message.isprintable()


def test_keys_of_a_later_version_are_ignored() -> None:
    index = index_of(BUILT)
    later = json.loads(index.content)
    for table in (later, later["crates"][0], later["crates"][0]["packages"][0], later["crates"][0]["sandbox"]):
        table["new"] = {"x": 1}
    assert read_index(json.dumps(later).encode(), INDEX) == index


def test_a_missing_file_is_refused_in_one_sentence(tmp_path: Any) -> None:
    with pytest.raises(InputError, match=r"fleet\.json cannot be read: No such file or directory"):
        load_index(tmp_path / "fleet.json")


def test_the_documented_example_is_an_index() -> None:
    example = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (index,) = [read_index(text.encode(), "docs/fleet-index.md") for text in example]
    built = next(crate for crate in index.crates if crate.state == "built")
    # The example has every key that a crate and an index can have.
    failed = next(crate for crate in index.crates if crate.state == "failed")
    assert built.model_fields_set | failed.model_fields_set == set(IndexedCrate.model_fields)
    assert index.model_fields_set == set(FleetIndex.model_fields)


def test_every_key_is_documented() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert documented == {*IndexedCrate.model_fields, *FleetIndex.model_fields} - {"index_version"}
