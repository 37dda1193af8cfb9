"""Dependencies in Cargo's files that come from outside of the configured registries."""

from __future__ import annotations

from dataclasses import replace

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
    return DependencySources(files, "top", "top", None, registries=REGISTRIES, setting="auto")


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


def configured(text: str, source: str = "sparse+https://mine.example.com/index/", **more: str) -> DependencySources:
    found = asked(source)
    return replace(found, files=DependencyFiles({**found.files.texts, "top/.cargo/config.toml": text, **more}))


def test_a_registry_of_the_sources_own_configuration_is_allowed_by_https() -> None:
    found = configured('[registries.mine]\nindex = "sparse+https://mine.example.com/index/"\n')
    assert list(found.refusals()) == []
    assert found.endpoints() == {("mine.example.com", 443)}


def test_a_registry_of_the_sources_own_configuration_without_https_is_refused() -> None:
    found = configured('registries.mine.index = "sparse+http://127.0.0.1:1/"\n', "sparse+http://127.0.0.1:1/")
    assert found.endpoints() == frozenset()
    assert [each.file for each in found.refusals()] == ["top/Cargo.lock"]


def test_what_no_sandbox_can_follow_in_the_configuration_is_refused_with_its_line() -> None:
    (refusal,) = configured("[net]\n[patch.crates-io]\na = { path = 'a' }\n", USUAL).refusals()
    assert (refusal.file, refusal.line) == ("top/.cargo/config.toml", 2)
    assert refusal.message.startswith("top/.cargo/config.toml: [patch] is not supported")


def test_vendored_crates_have_to_be_in_the_source() -> None:
    text = "[source.crates-io]\nreplace-with = 'v'\n[source.v]\ndirectory = 'vendor'\n"
    (refusal,) = configured(text, USUAL).refusals()
    assert '"top/vendor", which is not among the crate\'s files' in refusal.message
    assert list(configured(text, USUAL, **{"top/vendor/a/Cargo.toml": ""}).refusals()) == []


@pytest.mark.parametrize("key", ["token = 'x'", "credential-provider = 'cargo:token'"])
def test_a_registry_for_a_token_is_refused_where_a_crate_comes_from_it(key: str) -> None:
    text = f"[registries.mine]\nindex = 'sparse+https://mine.example.com/index/'\n{key}\n"
    (refusal,) = configured(text).refusals()
    assert (refusal.file, refusal.line) == ("top/Cargo.lock", 6)
    assert "no token enters a sandbox" in refusal.message
    assert list(configured(text, USUAL).refusals()) == []
