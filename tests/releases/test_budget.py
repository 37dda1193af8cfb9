"""The budget of a release, compared with GitHub's limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.manifest.reading import load_manifest
from generator.planning.plan import make_plan
from generator.releases.budget import MAX_ASSETS, Budget, budget, check_budget
from tests.support import TOP


def fleet(count: int, slots: int = 30, kind: str = "napi", layout: str = "single", backend: str = "local") -> Manifest:
    crates: list[dict[str, Any]] = [
        {"name": f"c{n}", "version": "1.0.0", "kind": kind, "source": {"path": f"c{n}"}} for n in range(count)
    ]
    head = {"npm_scope": "@demo", "slots": slots, "layout": layout, "backend": backend}
    return Manifest.model_validate({"schema_version": 1, "fleet": head, "crates": crates}, strict=False)


def budget_of(manifest: Manifest) -> Budget:
    return budget(manifest, make_plan(manifest))


def checked(manifest: Manifest) -> Budget:
    return check_budget(manifest, make_plan(manifest))


def test_the_110_crates_fit_with_a_margin() -> None:
    manifest = load_manifest(TOP / "crates.json")
    # 79 packages, fleet.json and SHA256SUMS; prepare 7, each job that uploads 3, an upload for each, publish 5.
    local = checked(with_backend(manifest, "local"))
    assert (local.jobs, local.assets, local.requests, local.writes) == (1, 81, 7 + 3 + 81 + 5, 83)
    assert "96 requests with uploads from 1 job, " in str(local)
    rented = checked(with_backend(manifest, "e2b"))
    # Each job looks for what an earlier attempt built by 2, and once more before early uploads. It leaves a record, which
    # publish removes by one request.
    jobs = 30 * (2 + 2 + 4 + 1)
    assert (rented.jobs, rented.assets, rented.requests, rented.writes) == (30, 81 + 2 * 30, 7 + jobs + 81 + 37, 113)
    assert "a margin of 605" in str(rented)
    assert " an hour, and up to 110 for crates that are uploaded at once; at least " in str(rented)


def with_backend(manifest: Manifest, backend: str) -> Manifest:
    return manifest.model_copy(update={"fleet": manifest.fleet.model_copy(update={"backend": backend})})


def test_libraries_have_no_package() -> None:
    assert budget_of(fleet(10, kind="lib")).assets == 2


@settings(max_examples=30)
@given(st.integers(1, 1_500), st.integers(1, 256), st.sampled_from(["local", "e2b"]))
def test_whatever_fits_is_within_every_limit(crates: int, slots: int, backend: str) -> None:
    found = budget_of(fleet(crates, slots, backend=backend))
    within = found.assets <= 1_000 and found.per_hour <= 1_000
    assert found.fits is within
    assert found.per_hour <= found.requests
    # At most 500 uploads an hour, if there are more in all; the publication uploads two assets later.
    uploads = found.writes - 4
    assert uploads <= 500 or found.minutes >= 60 * (uploads - slots) / 500


def test_too_many_crates_are_refused_with_a_number_of_releases_that_fit() -> None:
    with pytest.raises(InputError) as caught:
        checked(fleet(2_400))
    assert caught.value.problems[0] == "2402 assets exceed GitHub's limit of 1,000 for a release"
    assert "split the manifest into 3" in (caught.value.fix or "")


def test_too_many_assets_of_a_split_layout_are_refused_with_the_layout_that_fits() -> None:
    assert budget_of(fleet(150, layout="split")).assets == 150 * 8 + 2 > MAX_ASSETS
    with pytest.raises(InputError, match="exceeds GitHub's limits") as caught:
        checked(fleet(150, layout="split"))
    assert (caught.value.fix or "").startswith('set fleet.layout to "single": 152 assets of 1,000')


def test_more_writes_than_an_hour_allows_are_spread_and_the_shorter_layout_is_named() -> None:
    found = checked(fleet(110, layout="split"))
    assert (found.assets, found.writes) == (110 * 8 + 2, 110 * 8 + 4)
    assert found.minutes >= 60 * 110 * 8 / 500
    assert str(found).endswith("minutes of uploads, fewer with the layout 'single'")
    assert "layout" not in str(checked(fleet(110)))


def test_too_many_shards_for_the_hour_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        checked(fleet(400, slots=256, backend="e2b"))
    assert "requests in an hour exceed GITHUB_TOKEN's limit of" in caught.value.problems[0]
    assert "reduce fleet.slots" in (caught.value.fix or "")
