"""The audit is a total function of facts: a reader with false output cannot break it."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from generator.audit.facts import Facts, Format, Image
from generator.audit.rules import MinimumVersions, audit
from generator.platforms import PLATFORM_NAMES, Kind, PlatformName

words = st.text(max_size=20) | st.sampled_from(
    ["x64", "arm64", "wasm32", "GLIBC_2.99999", "GLIBC_2.5.1", "GLIBC_", "GLIBC_PRIVATE", "$ORIGIN", "/usr/lib", "env"]
)
many = st.lists(words, max_size=4).map(tuple)
images = st.builds(
    Image,
    format=st.sampled_from(get_args(Format)),
    machine=st.sampled_from(["x64", "arm64", "wasm32", "riscv"]),
    bits=st.sampled_from([32, 64]),
    role=st.sampled_from(["program", "library", "other"]),
    interpreter=st.none() | words,
    libraries=many,
    search_paths=many,
    versions=many,
    registrations=many,
    macos=st.none() | st.from_regex(r"\A[0-9]{1,5}\.[0-9]{1,5}\Z"),
    signature=st.sampled_from(["none", "valid", "invalid"]),
    signature_error=st.none() | words,
    subsystem=st.none() | words,
    imports=st.lists(st.tuples(words, words), max_size=3).map(tuple),
)
facts = st.builds(
    Facts,
    file=words,
    executable=st.booleans(),
    images=st.lists(images, max_size=3).map(tuple),
    problem=st.none() | words,
)


@given(facts, st.sampled_from(PLATFORM_NAMES), st.sampled_from(["napi", "bin", "wasm"]))
def test_any_facts_give_an_audit(found: Facts, platform: PlatformName, kind: Kind) -> None:
    result = audit(found, platform, kind, MinimumVersions())
    if found.problem is not None or not found.images:
        assert [each.rule for each in result.findings] == ["readable"]
    assert all("\n" not in each.message and len(each.message) <= 1_000 for each in result.findings)
    assert result == audit(found, platform, kind, MinimumVersions())
