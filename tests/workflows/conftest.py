from __future__ import annotations

import pytest

from generator.manifest.crate_models import Crate
from generator.manifest.fleet_models import Fleet, Limits
from generator.manifest.models import Manifest
from generator.manifest.source_models import PathSource


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/workflows/golden/*/expected")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    # Under a run of all tests this file is read after the options, and the option is not there.
    return bool(request.config.getoption("--update-golden", default=False))


class Fleets:
    """Manifests that differ in what the workflows depend on."""

    def make(
        self, slots: int = 3, *, github_jobs: int = 20, minutes: tuple[float, ...] = (5.0,), action: str = "./"
    ) -> Manifest:
        fleet = Fleet(npm_scope="@example", slots=slots, action=action, limits=Limits(github_jobs=github_jobs))
        crates = tuple(
            Crate(
                name=f"crate-{number}",
                version="0.1.0",
                kind="napi",
                source=PathSource(path=f"crates/{number}"),
                expected_minutes=each,
            )
            for number, each in enumerate(minutes)
        )
        return Manifest(schema_version=1, fleet=fleet, crates=crates)


@pytest.fixture(scope="session")
def fleets() -> Fleets:
    return Fleets()
