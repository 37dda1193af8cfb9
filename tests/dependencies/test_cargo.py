"""Dependencies in Cargo's files that come from outside of the configured registries."""

from __future__ import annotations

import pytest

from generator.dependencies.check import DependencySources
from generator.dependencies.files import DependencyFiles
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries

USUAL = "registry+https://git.example.com/index"
REGISTRIES = Registries(
    endpoints=frozenset({Endpoint("index.example.com", 443), Endpoint("127.0.0.1", 8080)}),
    cargo_sources=frozenset({USUAL}),
    complete=True,
)


def asked(source: str, manifest: str = "") -> DependencySources:
    lock = f'version = 4\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "{source}"\n'
    files = DependencyFiles({"top/Cargo.lock": lock, "top/crate/Cargo.toml": manifest})
    return DependencySources(files, "top/crate", "top", uses_npm=False, registries=REGISTRIES, setting="auto")


@pytest.mark.parametrize(
    "source",
    [USUAL, "sparse+https://index.example.com/", "sparse+http://127.0.0.1:8080/i/", "git+https://git.example.org/a?rev=0#01"],
)  # fmt: skip
def test_configured_registries_and_git_are_allowed(source: str) -> None:
    assert list(asked(source).refusals()) == []


@pytest.mark.parametrize(
    "source",
    ["sparse+https://other.example.com/", "registry+http://127.0.0.1:1/index", "sparse+http://169.254.169.254/latest/",
     "git+ssh://git@example.com/a#01", "git+file:///etc#01", "git+git://example.com/a#01"],
)  # fmt: skip
def test_other_sources_are_refused_with_their_line(source: str) -> None:
    (refusal,) = asked(source).refusals()
    assert (refusal.file, refusal.line) == ("top/Cargo.lock", 6)
    assert source in refusal.message


def test_a_registry_by_its_address_in_a_cargo_toml_is_refused() -> None:
    text = '[package]\nname = "x"\n[dependencies]\na = { version = "1", "registry-index" = "sparse+http://127.0.0.1:1/" }\n'
    (refusal,) = asked(USUAL, text).refusals()
    assert (refusal.file, refusal.line) == ("top/crate/Cargo.toml", 4)


def test_the_hosts_of_locked_git_dependencies_are_needed() -> None:
    assert asked("git+https://git.example.org:8443/a?branch=main#01").endpoints() == {("git.example.org", 8443)}
    assert asked(USUAL).endpoints() == frozenset()
