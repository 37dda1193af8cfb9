"""The release that a new one follows, and what verify compares with its index."""

from __future__ import annotations

from typing import Any

import pytest

from generator.manifest.models import Manifest
from generator.releases.following import followed_release
from generator.releases.protocol import Release
from generator.releases.verifying import index_differences
from generator.reports.index import FleetIndex
from generator.reports.models import Artifact


def releases(*tags: str) -> list[Release]:
    """Return published releases, the oldest first."""
    return [
        Release(id=number, tag=tag, commit="", title=tag, body="", draft=False, immutable=False, upload_url="")
        for number, tag in enumerate(tags, 1)
    ]


@pytest.mark.parametrize(
    ("published", "tag", "wanted"),
    [
        ([], "v1.0.0", None),
        (["v1.0.0"], "v1.0.0", None),
        (["v1.0.0", "v1.1.0"], "v1.2.0", "v1.1.0"),
        (["v1.1.0", "v1.0.1"], "v1.2.0", "v1.1.0"),
        (["v1.0.0", "v2.0.0"], "v1.0.1", "v1.0.0"),
        (["v2.0.0"], "v1.0.1", None),
        (["v1.0.0", "v2.0.0-rc.1"], "v2.0.0", "v2.0.0-rc.1"),
        (["v1.0.0", "other-5", "nightly-9"], "v1.1.0", "v1.0.0"),
        (["v1.0.0", "v1.1.0"], "nightly-9", "v1.1.0"),
    ],
)
def test_a_release_follows_the_latest_one_that_it_may_replace(
    published: list[str], tag: str, wanted: str | None
) -> None:
    for order in (published, published[::-1]):
        numbered = sorted(releases(*published), key=lambda release: order.index(release.tag))
        found = followed_release(numbered, tag, "v*")
        assert (found and found.tag) == wanted


PACKAGE = {"file": "demo-one-1.0.0.tgz", "bytes": 7, "sha256": "b" * 64}
FILE = Artifact.model_validate(PACKAGE)


def differences(crates: list[dict[str, Any]], files: list[Artifact], tag: str = "v1.0.0") -> list[str]:
    crate = {"name": "one", "version": "1.0.0", "kind": "napi", "source": {"path": "one"}}
    head = {"schema_version": 1, "fleet": {"npm_scope": "@demo"}, "crates": [crate]}
    manifest = Manifest.model_validate(head, strict=False)
    text = {"index_version": 1, "tag": tag, "commit": "", "backend": "local", "crates": crates}
    index = FleetIndex.model_validate(text, strict=False)
    return list(index_differences(index, "v1.0.0", manifest, [FILE.file], {file.file: file for file in files}))


def crate(**more: Any) -> dict[str, Any]:
    return {"name": "one", "version": "1.0.0", "state": "built", "packages": [PACKAGE], **more}


def test_an_index_of_its_release_has_no_differences() -> None:
    assert differences([crate()], [FILE]) == []


@pytest.mark.parametrize(
    ("crates", "sentences"),
    [
        ([], ["fleet.json has no one, but the manifest has one 1.0.0", "demo-one-1.0.0.tgz is not in fleet.json"]),
        ([crate(version="1.0.1")], ["fleet.json has one 1.0.1, but the manifest has one 1.0.0"]),
        ([crate(packages=[])], ["demo-one-1.0.0.tgz is not in fleet.json"]),
        ([crate(packages=[{**PACKAGE, "bytes": 8}])], ["demo-one-1.0.0.tgz has another size or SHA-256 in fleet.json"]),
        ([crate(packages=[{**PACKAGE, "sha256": "c" * 64}])],
         ["demo-one-1.0.0.tgz has another size or SHA-256 in fleet.json"]),
        ([crate(packages=[PACKAGE, {**PACKAGE, "file": "more.tgz"}])],
         ["more.tgz is in fleet.json, but not on the release"]),
        ([crate(), crate(name="two")], ["fleet.json has two 1.0.0, but the manifest has no two"]),
    ],
)  # fmt: skip
def test_every_difference_of_an_index_is_named(crates: list[dict[str, Any]], sentences: list[str]) -> None:
    assert differences(crates, [FILE]) == sentences


def test_the_index_of_another_release_is_refused() -> None:
    assert differences([crate()], [FILE], "v0.9.0") == ["fleet.json is that of v0.9.0, not of v1.0.0"]
