"""Expected assets, and their comparison with the assets of a release."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.manifest.names import tarball_name
from generator.manifest.reading import load_manifest
from generator.releases.expected_assets import (
    CHECKSUMS,
    asset_difference,
    checksums_text,
    expected_packages,
    parse_checksums,
    release_differences,
    upload_decision,
)
from generator.releases.protocol import Asset
from generator.reports.index import INDEX
from generator.reports.models import Artifact
from tests.support import TOP

names = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,12}-1\.0\.0\.tgz\Z")
digests = st.from_regex(r"\A[0-9a-f]{64}\Z")
files = st.dictionaries(names, st.tuples(st.integers(1, 2**31 - 1), digests), max_size=12).map(
    lambda found: {name: Artifact(file=name, bytes=size, sha256=digest) for name, (size, digest) in found.items()}
)


def asset(file: Artifact, **other: object) -> Asset:
    values = {
        "id": 1,
        "name": file.file,
        "state": "uploaded",
        "size": file.bytes,
        "digest": f"sha256:{file.sha256}",
        "url": "http://localhost/",
    }
    return Asset.model_validate({**values, **other})


FILE = Artifact(file="demo-one-1.0.0.tgz", bytes=7, sha256="a" * 64)


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (None, "upload"),
        (asset(FILE), "skip"),
        (asset(FILE, state="starter", size=0, digest=None), "replace"),
        (asset(FILE, size=8), "replace"),
        (asset(FILE, digest=f"sha256:{'b' * 64}"), "replace"),
        (asset(FILE, digest=None), "replace"),
    ],
)
def test_only_an_equal_asset_is_not_uploaded_again(there: Asset | None, wanted: str) -> None:
    assert upload_decision(FILE, there) == wanted


def test_a_difference_names_both_sides() -> None:
    assert asset_difference(FILE, asset(FILE, size=8)) == "demo-one-1.0.0.tgz has 8 bytes on the release, but 7 locally"


@given(files)
def test_a_complete_release_has_no_differences(wanted: dict[str, Artifact]) -> None:
    assert list(release_differences(wanted, [asset(file) for file in wanted.values()])) == []


@given(files, st.data())
def test_every_missing_or_unexpected_asset_is_named_and_no_other(
    wanted: dict[str, Artifact], data: st.DataObject
) -> None:
    missing = data.draw(st.sets(st.sampled_from(sorted(wanted)))) if wanted else set()
    extra = data.draw(files)
    there = [asset(file) for name, file in wanted.items() if name not in missing]
    there += [asset(file) for name, file in extra.items() if name not in wanted]
    found = list(release_differences(wanted, there))
    assert sorted(found) == sorted(
        [f"{name} is missing on the release" for name in missing]
        + [f"{name} is on the release, but not expected" for name in extra if name not in wanted]
    )


def test_a_duplicate_asset_is_named() -> None:
    found = list(release_differences({FILE.file: FILE}, [asset(FILE), asset(FILE, id=2)]))
    assert found == ["demo-one-1.0.0.tgz is on the release 2 times"]


@given(files)
def test_written_checksums_can_be_parsed(wanted: dict[str, Artifact]) -> None:
    digests, problems = parse_checksums(checksums_text(wanted.values()))
    assert digests == {name: file.sha256 for name, file in wanted.items()}
    assert problems == ()


@given(st.text(max_size=200))
def test_any_text_can_be_parsed_as_checksums_and_every_line_counts(text: str) -> None:
    digests, problems = parse_checksums(text)
    assert len(digests) + len(problems) == len(text.splitlines())


def test_the_checksums_are_what_sha256sum_checks(tmp_path: Path) -> None:
    (tmp_path / "one.tgz").write_bytes(b"one")
    digest = subprocess.run(["sha256sum", "one.tgz"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout  # noqa: TID251
    text = checksums_text([Artifact(file="one.tgz", bytes=3, sha256=digest.split()[0])])
    assert text == digest
    (tmp_path / CHECKSUMS).write_text(text)
    subprocess.run(["sha256sum", "--check", "--strict", CHECKSUMS], cwd=tmp_path, capture_output=True, check=True)  # noqa: TID251


@given(st.from_type(str), st.from_type(str))
def test_no_package_has_the_name_of_an_asset_of_ours(name: str, version: str) -> None:
    assert tarball_name(name, version) not in {CHECKSUMS, INDEX}


def test_a_release_of_the_110_crates_has_a_package_for_each_that_is_no_library() -> None:
    manifest = load_manifest(TOP / "crates.json")
    names = expected_packages(manifest)
    assert set(names.values()) == {crate.name for crate in manifest.crates if crate.kind != "lib"}
    assert list(names) == sorted(names)
    assert names["ruv.io-ruv-fann-0.1.6.tgz"] == "ruv-fann"
