"""The declared effect of every key, against the cache key and the plan: both must change, or neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.builds import inputs
from generator.builds.environment import Conditions
from generator.manifest.crate_models import Crate
from generator.manifest.effects import BuildInput, Declared, Effect, NotAnInput, effect_of
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.settings import Settings, settings
from generator.manifest.shared_settings import SharedSettings
from generator.manifest.values import Size
from generator.planning.affected import Change, affected
from generator.planning.explanation import explain
from generator.sources.collect import CollectedSource
from generator.toolchain.toolchain import Toolchain

CRATE = {"name": "one", "version": "1.0.0", "kind": "bin", "source": {"path": "one"}}
# A value of each key other than the one in `manifest`. A key that is missing here fails its test.
OTHER: dict[str, Any] = {
    "platforms": ["linux-x64-gnu", "linux-x64-musl"],
    "size": "large",
    "timeout_minutes": 5,
    "retries": 1,
    "tests": False,
    "coverage": True,
    "foreign_tests": False,
    "glibc": "2.28",
    "required": ["linux-x64-gnu"],
    "may_be_skipped": True,
    "env": ["NAME"],
    "fetch_hosts": "open",
}
OTHER_OF_FLEET: dict[str, Any] = {
    **OTHER,
    "npm_scope": "@other",
    "slots": 2,
    "jobs": 1,
    "template": "other",
    "action": "you/cratematrix@v2",
    "backend": "e2b",
    "workflows": {"build": "crates.yml"},
    "accept_microsoft_licence": True,
    "schedule": "17 3 * * 1",
    "pages": True,
    "release_tags": "fleet-v*",
    "prerelease_tags": "v0.*",
    "canaries": ["uno"],
    "layout": "split",
    "e2b": {"domain": "e2b.example.com"},
    "limits": {"github_jobs": 3},
}
OTHER_OF_CRATE: dict[str, Any] = {
    **OTHER,
    "name": "uno",
    "npm_name": "@demo/uno",
    "platform_packages": "@demo/uno-native",
    "version": "1.0.1",
    "kind": "napi",
    "source": {"path": "other"},
    "programs": ["uno"],
    "depends_on": ["two"],
    "expected_minutes": 9,
    "commands": {"test": "true"},
    "include": ["README.md"],
    "batch": "small-ones",
    "quarantine": {"reason": "its author is away", "until": "2026-12-31"},
}
ENVIRONMENT: dict[str, Any] = {"backend": "local", "fingerprint": "f"}
# The part of the environment that each key selects.
SELECTED: dict[str, dict[str, Any]] = {
    "backend": {"backend": "e2b"},
    "template": {"fingerprint": "g"},
    "accept_microsoft_licence": {"fingerprint": "f, cargo-xwin 0.23.1"},
}


def manifest(fleet: dict[str, Any], crate: dict[str, Any]) -> Manifest:
    head = {"npm_scope": "@demo", "platforms": ["linux-x64-gnu"], **fleet}
    entry = {**CRATE, **crate}
    two = {"name": "two", "version": "1.0.0", "kind": "lib", "source": {"path": "two"}}
    return Manifest.model_validate_json(json.dumps({"schema_version": 1, "fleet": head, "crates": [entry, two]}))


def inputs_of(of: Manifest, environment: dict[str, Any], **variables: str) -> inputs.BuildInputs:
    """Return the inputs of the first crate, with the same files and platforms each time."""
    toolchain = Toolchain("linux-x64-gnu", frozenset())
    conditions = Conditions(environment["backend"], toolchain, environment["fingerprint"], isolated=True)
    crate = of.crates[0]
    source = CollectedSource(None, "crate", "crate", "", has_lock=False)
    own = settings(of.fleet, crate)
    return inputs.build_inputs(crate, own, conditions, variables, ("linux-x64-gnu",), source)


def cache_key(of: Manifest, environment: dict[str, Any]) -> str:
    return inputs_of(of, environment).key


def planned(before: Manifest, now: Manifest) -> bool:
    """Return True if `plan --changed-since` builds the first crate, though no file changed."""
    reasons = affected(now, Change("main", before, frozenset(), {}))
    return next(each.built for each in reasons if each.crate == now.crates[0].name)


def changes(before: Manifest, now: Manifest) -> tuple[bool, bool]:
    """Return True for each of the cache key and the plan that a change of the manifest affects."""
    return cache_key(before, ENVIRONMENT) != cache_key(now, ENVIRONMENT), planned(before, now)


@pytest.mark.parametrize("key", [key for key in Fleet.model_fields if effect_of(Fleet, key) is not Effect.ENVIRONMENT])
def test_a_key_of_the_fleet_changes_cache_key_and_plan_as_declared(key: str) -> None:
    is_input = effect_of(Fleet, key) is Effect.BUILD_INPUT
    assert changes(manifest({}, {}), manifest({key: OTHER_OF_FLEET[key]}, {})) == (is_input, is_input)


@pytest.mark.parametrize("key", SharedSettings.model_fields)
def test_a_default_that_is_written_out_changes_nothing(key: str) -> None:
    default = json.loads(json.dumps(Fleet.model_fields[key].default))
    plain = Manifest.model_validate_json(json.dumps({
        "schema_version": 1, "fleet": {"npm_scope": "@demo"}, "crates": [CRATE],
    }))  # fmt: skip
    written = plain.model_copy(
        update={"fleet": Fleet.model_validate_json(json.dumps({"npm_scope": "@demo", key: default}))}
    )
    assert changes(plain, written) == (False, False)


@pytest.mark.parametrize("key", sorted({"size", "glibc", "env", "layout", "kind", "source", "include"}))
def test_the_input_of_a_setting_is_named_after_it(key: str) -> None:
    of_crate = key in Crate.model_fields
    other = OTHER_OF_CRATE if of_crate else OTHER_OF_FLEET
    now = manifest({}, {key: other[key]}) if of_crate else manifest({key: other[key]}, {})
    found = explain("one", inputs_of(manifest({}, {}), ENVIRONMENT).digests, inputs_of(now, ENVIRONMENT).digests, ())
    assert found.changed is not None
    # The value of the variable is an input of its own.
    assert set(found.changed) - {inputs.VALUES} == {f"setting {key}"}


def test_values_of_variables_are_in_the_key_and_never_in_a_digest_of_the_report() -> None:
    given = manifest({}, {"env": ["NAME"]})
    unset, one, two = (inputs_of(given, ENVIRONMENT, **each) for each in ({}, {"NAME": "one"}, {"NAME": "two"}))
    assert (unset.shown_key, one.shown_key, two.shown_key) == (unset.key, None, None)
    assert len({unset.key, one.key, two.key}) == 3
    assert one.digests == two.digests == {k: v for k, v in unset.digests.items() if k != inputs.VALUES}
    assert (unset.secret, one.secret) == ((), (inputs.VALUES,))


@pytest.mark.parametrize("key", Crate.model_fields)
def test_a_key_of_a_crate_changes_cache_key_and_plan_as_declared(key: str) -> None:
    is_input = effect_of(Crate, key) is Effect.BUILD_INPUT
    assert changes(manifest({}, {}), manifest({}, {key: OTHER_OF_CRATE[key]})) == (is_input, is_input)


@pytest.mark.parametrize("key", sorted(Fleet.keys(Effect.ENVIRONMENT)))
def test_a_key_that_selects_the_environment_is_in_the_plan_and_the_environment_in_the_cache_key(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, now = manifest({}, {}), manifest({key: OTHER_OF_FLEET[key]}, {})
    old_key = cache_key(before, ENVIRONMENT)
    assert cache_key(now, ENVIRONMENT) == old_key
    # The plan finds another template together with changes of its definition: see test_changes.py.
    assert planned(before, now) == (key != "template")
    if key == "action":  # It installs another version of this tool.
        monkeypatch.setattr(inputs, "__version__", "0.0.0")
        assert cache_key(now, ENVIRONMENT) != old_key
    else:
        assert cache_key(now, {**ENVIRONMENT, **SELECTED[key]}) != old_key


@pytest.mark.parametrize("key", SharedSettings.model_fields)
def test_only_the_value_in_force_counts(key: str) -> None:
    own = {key: OTHER[key]}
    replaced = manifest({}, own)
    assert changes(replaced, manifest(own, own)) == (False, False)
    assert changes(replaced, manifest(own, {})) == (False, False)


def test_fleet_crate_and_merged_settings_have_every_shared_setting_with_the_same_effect() -> None:
    for key in SharedSettings.model_fields:
        effects = {effect_of(model, key) for model in (SharedSettings, Fleet, Crate, Settings)}
        assert len(effects) == 1, key
        assert Crate.model_fields[key].get_default() is None
        assert Fleet.model_fields[key].get_default() is not None


def test_every_key_has_another_value_here() -> None:
    assert OTHER.keys() == SharedSettings.model_fields.keys()
    assert OTHER_OF_FLEET.keys() == Fleet.model_fields.keys()
    assert OTHER_OF_CRATE.keys() == Crate.model_fields.keys()


def test_a_field_without_a_declared_effect_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"^Undeclared\.size declares 0 effects"):

        class Undeclared(Declared):
            size: Size

    with pytest.raises(TypeError, match=r"^Twice\.size declares 2 effects"):

        class Twice(Declared):
            size: BuildInput[NotAnInput[Size]]
