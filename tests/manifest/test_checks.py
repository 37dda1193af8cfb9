from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.manifest.checks import check_manifest
from generator.manifest.models import Manifest
from generator.manifest.problems import Location
from generator.platforms import PLATFORM_NAMES

Crates = list[dict[str, Any]]


def crate(name: str, **settings_: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0.0", "kind": "bin", "source": {"path": "."}, **settings_}


def manifest(*crates: dict[str, Any], **fleet: Any) -> Manifest:
    plain = {"schema_version": 1, "fleet": {"npm_scope": "@s", **fleet}, "crates": crates}
    return Manifest.model_validate(plain, strict=False)


def found(*crates: dict[str, Any], **fleet: Any) -> list[tuple[Location, str, Location | None]]:
    return [(each.loc, each.sentence, each.other) for each in check_manifest(manifest(*crates, **fleet))]


def test_the_example_has_no_problem(example: Callable[[], dict[str, Any]]) -> None:
    assert check_manifest(Manifest.model_validate(example(), strict=False, by_alias=True)) == ()


@pytest.mark.parametrize(
    ("second", "key", "sentence", "other"),
    [
        (crate("a"), "name", 'the crate name "a" is that of another crate', "name"),
        (
            crate("A", npm_name="@s/b"),
            "name",
            'the crate name "A" differs only in case from that of another crate',
            "name",
        ),
        (crate("b", npm_name="@s/a"), "npm_name", 'the npm name "@s/a" is that of another crate', "name"),
        (
            crate("b", npm_name="@s-a/c", version="2.0.0"),
            "npm_name",
            'the release asset "s-a-c-2.0.0.tgz" is that of another crate',
            "npm_name",
        ),
    ],
)
def test_a_name_of_two_crates_is_reported_once_at_its_cause(
    second: dict[str, Any], key: str, sentence: str, other: str
) -> None:
    third = crate("x", npm_name="@s/a-c", version="2.0.0")
    assert found(crate("a"), third, second) == [
        (("crates", 2, key), sentence, ("crates", 0 if "asset" not in sentence else 1, other))
    ]


@pytest.mark.attack("two packages whose names differ in case alone are refused", entry="H3")
def test_assets_that_differ_only_in_case_collide() -> None:
    problems = found(crate("a", npm_name="@s-x/a", version="1.0.0-A"), crate("b", npm_name="@s/x-a", version="1.0.0-a"))
    assert problems == [
        (
            ("crates", 1, "npm_name"),
            'the release asset "s-x-a-1.0.0-a.tgz" differs only in case from that of another crate',
            ("crates", 0, "npm_name"),
        )
    ]


def test_the_package_of_one_platform_collides_with_a_crate_of_that_name_whatever_the_layout() -> None:
    problems = found(crate("a"), crate("a-linux-x64-gnu"))
    sentence = 'the npm name "@s/a-linux-x64-gnu" is that of another crate'
    assert problems == [(("crates", 1, "name"), sentence, ("crates", 0, "name"))]


def test_an_unscoped_name_is_one_and_its_platform_packages_have_a_scope() -> None:
    assert found(crate("a", npm_name="native"), crate("b", npm_name="native-linux-x64-gnu")) == []
    sentence = 'the npm name "@s/native-linux-x64-gnu" is that of another crate'
    beside = crate("b", npm_name="@s/native-linux-x64-gnu")
    assert [said for _, said, _ in found(crate("a", npm_name="native"), beside)] == [sentence]
    assert found(crate("a", npm_name="native", platform_packages="@native/native"), beside) == []


@pytest.mark.parametrize(
    ("own", "key", "kind"),
    [
        ({"programs": ["a"], "kind": "lib"}, ("programs",), "bin"),
        ({"source": {"path": ".", "package": "js"}}, ("source", "package"), "napi"),
        ({"source": {"git": "https://example.com/a", "rev": "0" * 40, "package": "js"}}, ("source", "package"), "napi"),
    ],
)
def test_a_key_of_one_kind_is_refused_for_another(own: dict[str, Any], key: tuple[str, ...], kind: str) -> None:
    assert found(crate("a", **own)) == [(("crates", 0, *key), f"is for crates of kind {kind} alone; remove it", None)]
    assert found(crate("a", **{**own, "kind": kind})) == []


def test_a_library_has_no_package_that_could_collide() -> None:
    assert found(crate("a"), crate("b", npm_name="@s/a", kind="lib")) == []


def test_a_derived_npm_name_must_be_one() -> None:
    sentence = '"@s/Foo" is not a valid npm name, which is lower-case; give this crate an npm_name'
    assert found(crate("Foo")) == [(("crates", 0, "name"), sentence, None)]
    assert found(crate("Foo", npm_name="@s/foo")) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("@s/node_modules", "npm reserves that name"),
        ("@s/favicon.ico", "npm reserves that name"),
        ("@s/con", "it is a device on Windows"),
        ("@s/nul.js", "it is a device on Windows"),
        ("@s/x.", "Windows removes a dot or space at the end of a name"),
        ("@s./x", "Windows removes a dot or space at the end of a name"),
        ("node_modules", "npm reserves that name"),
        ("fs", "Node loads its own module of that name"),
        ("worker_threads", "Node loads its own module of that name"),
        ("aux", "it is a device on Windows"),
    ],
)
def test_an_npm_name_must_be_one_of_a_directory_everywhere(name: str, why: str) -> None:
    sentence = f'"{name}" cannot be installed everywhere: {why}; give this crate another npm_name'
    assert found(crate("a", npm_name=name)) == [(("crates", 0, "npm_name"), sentence, None)]
    assert found(crate("a", npm_name=name, kind="lib")) == []


def test_a_derived_npm_name_must_be_one_of_a_directory_too() -> None:
    assert [loc for loc, _, _ in found(crate("nul"))] == [("crates", 0, "name")]
    assert found(crate("a", npm_name="@s/node_modules.x")) == []
    assert found(crate("a", npm_name="@s/" + "x" * 190)) == []


def test_assets_that_github_would_rename() -> None:
    assert found(crate("a", npm_name="@s/a..b")) == [
        (
            ("crates", 0, "npm_name"),
            'GitHub would rename the release asset "s-a..b-1.0.0.tgz" to "s-a.b-1.0.0.tgz"; choose another name',
            None,
        )
    ]


def test_dependencies_are_others_of_the_fleet() -> None:
    (problem,) = check_manifest(manifest(crate("ruv-fann"), crate("b", depends_on=["ruv-fann", "ruv-fan"])))
    assert (problem.loc, problem.sentence) == (("crates", 1, "depends_on", 1), '"ruv-fan" is not a crate of this fleet')
    assert (problem.wrong, list(problem.known)) == ("ruv-fan", ["ruv-fann", "b"])
    loc = ("crates", 0, "depends_on", 0)
    assert found(crate("a", depends_on=["a"])) == [(loc, '"a" depends on itself; remove it', None)]


def test_canaries_are_crates_of_the_fleet_each_once() -> None:
    loc = ("fleet", "canaries", 1)
    assert found(crate("a"), crate("b"), canaries=["b", "a"]) == []
    assert found(crate("a"), canaries=["a", "c"]) == [(loc, '"c" is not a crate of this fleet', None)]
    assert found(crate("a"), canaries=["a", "a"]) == [
        (loc, '"a" is in this list twice; remove one', ("fleet", "canaries", 0))
    ]


@pytest.mark.parametrize(
    ("graph", "cycles"),
    [
        ({"a": "b", "b": "c", "c": "a"}, {(2, 0): "a -> b -> c -> a"}),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, {(1, 0): "a -> b -> a", (3, 0): "c -> d -> c"}),
        ({"a": "bc", "b": "a", "c": "a"}, {(1, 0): "a -> b -> a", (2, 0): "a -> c -> a"}),
        ({"a": "b", "b": "cd", "c": "d", "d": "b"}, {(3, 0): "b -> c -> d -> b"}),
        ({"a": "bcd", "b": "cd", "c": "d", "d": ""}, {}),
    ],
)
def test_every_cycle_is_named(graph: dict[str, str], cycles: dict[tuple[int, int], str]) -> None:
    problems = found(*(crate(name, depends_on=list(needed)) for name, needed in graph.items()))
    assert problems == [
        (
            ("crates", index, "depends_on", place),
            f"this closes a cycle: {cycle}; remove one of these dependencies",
            None,
        )
        for (index, place), cycle in cycles.items()
    ]


def test_a_long_cycle_is_named_without_its_middle() -> None:
    ((loc, sentence, _),) = found(*(crate(f"c{i}", depends_on=[f"c{(i + 1) % 5000}"]) for i in range(5000)))
    assert loc == ("crates", 4999, "depends_on", 0)
    assert sentence == (
        "this closes a cycle: c0 -> c1 -> c2 -> c3 -> (4,992 more) -> c4996 -> c4997 -> c4998 -> c4999 -> c0; "
        "remove one of these dependencies"
    )


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sets(st.integers(0, 7)), min_size=8, max_size=8))
def test_without_the_reported_dependencies_no_cycle_is_left(graph: list[set[int]]) -> None:
    problems = check_manifest(
        manifest(*(crate(f"c{i}", depends_on=[f"c{j}" for j in sorted(needed)]) for i, needed in enumerate(graph)))
    )
    edges = {(i, j) for i, needed in enumerate(graph) for j in needed}
    for problem in problems:
        _, index, _, place = problem.loc
        edges.remove((int(index), sorted(graph[int(index)])[int(place)]))
    left = set(range(8))
    while free := {i for i in left if not any((i, j) in edges for j in left)}:
        left -= free
    assert left == set()
    # Nothing is refused in a fleet that has an order already.
    if all(j < i for i, needed in enumerate(graph) for j in needed):
        assert not problems


def test_a_platform_that_the_fleet_requires_is_one_of_some_crate() -> None:
    crates = (crate("a"), crate("b", platforms=["darwin-x64"]))
    assert found(*crates, platforms=["linux-x64-gnu"], required=["linux-x64-gnu", "darwin-x64"]) == []
    assert found(*crates, platforms=["linux-x64-gnu"], required=["linux-x64-gnu", "win32-x64-msvc"]) == [
        (("fleet", "required", 1), "win32-x64-msvc is not among the platforms of any crate", None)
    ]


def test_platforms_of_a_crate_must_fit_its_kind() -> None:
    problems = found(
        crate("a", platforms=["linux-x64-gnu", "wasm32"]),
        crate("b", kind="wasm", platforms=["darwin-x64"]),
        crate("c", kind="lib", platforms=["wasm32"]),
        crate("d", kind="napi", platforms=list(PLATFORM_NAMES)),
    )
    assert [(loc, sentence) for loc, sentence, _ in problems] == [
        (
            ("crates", 0, "platforms", 1),
            "wasm32 is not for this crate: a command-line program cannot run on wasm32",
        ),
        (
            ("crates", 1, "platforms", 0),
            "darwin-x64 is not for this crate: a wasm-bindgen crate is one package that runs everywhere: wasm32 only",
        ),
        (
            ("crates", 2, "platforms", 0),
            "wasm32 is not for this crate: a library is compiled and tested on native platforms only",
        ),
    ]


def test_platforms_of_the_fleet_need_not_fit_but_one_must() -> None:
    assert found(crate("a", kind="wasm"), crate("b"), platforms=["wasm32", "darwin-x64"]) == []
    ((loc, sentence, _),) = found(crate("a", kind="wasm"), crate("b"), platforms=["darwin-x64"])
    assert loc == ("crates", 0, "kind")
    assert sentence.startswith("none of the fleet's platforms is for this crate (a wasm-bindgen crate is one package")
    assert found(crate("a", kind="wasm", platforms=["wasm32"]), platforms=["darwin-x64"]) == []


@pytest.mark.parametrize("where", ["fleet", "crate"])
@pytest.mark.parametrize(("key", "values"), [("platforms", ["darwin-x64"] * 2), ("env", ["A", "B", "A"])])
def test_a_list_has_each_value_once(where: str, key: str, values: list[str]) -> None:
    problems = found(crate("a"), **{key: values}) if where == "fleet" else found(crate("a", **{key: values}))
    loc: Location = ("fleet", key) if where == "fleet" else ("crates", 0, key)
    sentence = f'"{values[0]}" is in this list twice; remove one'
    assert problems == [((*loc, len(values) - 1), sentence, (*loc, 0))]


def test_dependencies_are_listed_once() -> None:
    problems = found(crate("a"), crate("b", depends_on=["a", "a"]))
    assert [loc for loc, _, _ in problems] == [("crates", 1, "depends_on", 1)]


def test_a_registry_version_equals_the_crate_version() -> None:
    assert found(crate("a", source={"registry": "a", "version": "1.0.1"})) == [
        (
            ("crates", 0, "source", "version"),
            '"1.0.1" is not the crate\'s version, "1.0.0"',
            ("crates", 0, "version"),
        )
    ]


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN", "GH_TOKEN", "E2B_API_KEY", "E2B_ACCESS_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL",
        "GH_PAT", "GITHUB_PAT_2", "GH_ENTERPRISE_TOKEN", "HOMEBREW_GITHUB_API_TOKEN", "MY_GH_TOKEN", "GITHUB_APP_PRIVATE_KEY",
        "GHCR_PASSWORD", "GITHUB_SECRET",
    ],
)  # fmt: skip
@pytest.mark.attack("publishing tokens and E2B's key can be named for no crate")
def test_the_build_s_own_keys_never_enter_a_sandbox(name: str) -> None:
    sentence = f'"{name}" cannot be passed into a sandbox: it is a credential of the build itself'
    assert found(crate("a"), env=[name]) == [(("fleet", "env", 0), sentence, None)]
    assert found(crate("a", env=["OK", name])) == [(("crates", 0, "env", 1), sentence, None)]


@pytest.mark.parametrize(
    "name",
    [
        "OPENROUTER_API_KEY", "GITHUB_SHA", "HIGH_KEY", "LENGTH_TOKEN", "E2B_DOMAIN", "GIT_COMMIT", "OPENSSL_DIR", "RUSTFLAGS",
        "DATABASE_PATH", "HTTPS_PROXY",
    ],
)  # fmt: skip
def test_other_names_may_be_passed_on(name: str) -> None:
    assert found(crate("a"), env=[name]) == []


@pytest.mark.parametrize(
    "name", ["NPM_TOKEN", "NODE_AUTH_TOKEN", "CARGO_REGISTRY_TOKEN", "CARGO_REGISTRIES_MINE_TOKEN"]
)
@pytest.mark.attack("publishing tokens and E2B's key can be named for no crate")
def test_keys_to_publish_with_never_enter_a_sandbox(name: str) -> None:
    ((_, sentence, _),) = found(crate("a"), env=[name])
    assert sentence.endswith("it is a credential to publish with, and packages are published outside of sandboxes")


@pytest.mark.parametrize(
    "name",
    [
        "PATH", "BASH_ENV", "LD_PRELOAD", "PYTHONPATH", "PYTHON", "NODE_OPTIONS", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT",
        "CRATEMATRIX_BUILD_NO_ISOLATION", "PIP_INDEX_URL", "UV_INDEX", "SSL_CERT_FILE", "SHARD", "COMMAND", "CARGO_HOME",
        "CARGO", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTUP_TOOLCHAIN",
    ],
)  # fmt: skip
@pytest.mark.attack("variables that control the build can be named for no crate")
def test_variables_that_control_the_build_are_named_neither_for_crates_nor_in_headers(name: str) -> None:
    sentence = (
        f'"{name}" cannot be passed into a sandbox: it controls the build itself; set it in the crate\'s commands'
    )
    assert found(crate("a"), env=[name]) == [(("fleet", "env", 0), sentence, None)]
    sentence = f'"{name}" controls the build itself; use another name for the variable'
    headers = {"X-Key": f"${{{name}}}"}
    assert found(crate("a"), e2b={"headers": headers}) == [(("fleet", "e2b", "headers", "X-Key"), sentence, None)]


def test_a_timeout_that_a_sandbox_of_the_hobby_plan_does_not_live_is_refused() -> None:
    sentence = (
        "a sandbox of E2B's Hobby plan lives 60 minutes; lower this timeout, or set fleet.limits to the e2b_sandboxes "
        "and e2b_creates_per_second of your plan"
    )
    crates = (crate("a"), crate("b", timeout_minutes=60), crate("c", timeout_minutes=60.5))
    assert found(*crates, backend="e2b", timeout_minutes=61) == [
        (("fleet", "timeout_minutes"), sentence, None),
        (("crates", 2, "timeout_minutes"), sentence, None),
    ]
    for limits in ({"e2b_sandboxes": 21}, {"e2b_creates_per_second": 5}):
        assert found(*crates, backend="e2b", timeout_minutes=61, limits=limits) == []
    assert found(*crates, timeout_minutes=61) == []
    assert found(crate("a"), backend="e2b") == [], "an hour is the default"


@pytest.mark.parametrize(
    ("fleet", "sentence"),
    [
        ({"jobs": 3}, "is for the backend e2b: a local crate builds on its job's runner; remove it"),
        ({"jobs": 3, "backend": "e2b", "slots": 2}, "more jobs than the 2 slots would be idle; lower it"),
        ({"jobs": 3, "backend": "e2b", "slots": 3}, None),
    ],
)
def test_jobs_are_for_the_slots_of_e2b(fleet: dict[str, Any], sentence: str | None) -> None:
    assert found(crate("a"), **fleet) == ([(("fleet", "jobs"), sentence, None)] if sentence else [])
