"""Dependencies in package.json and lock files that are refused before any fetch, with file and line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from generator.dependencies.check import DependencySources
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import Refusal
from generator.manifest.values import FetchHosts
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries
from generator.npm.projects import npm_project

OWN = "https://npm.example.com"
REGISTRIES = Registries(npm=frozenset({Endpoint("npm.example.com", 443)}), complete=True)


def asked(texts: Mapping[str, Any], setting: FetchHosts = "auto", **more: Any) -> DependencySources:
    written = {path: text if isinstance(text, str) else json.dumps(text, indent=2) for path, text in texts.items()}
    files = DependencyFiles(written, **more)
    project = npm_project("crate", files.repository_files())
    return DependencySources(files, "crate", "crate", project, registries=REGISTRIES, setting=setting)


def refusals(texts: Mapping[str, Any], setting: FetchHosts = "auto", **more: Any) -> list[Refusal]:
    return list(asked(texts, setting, **more).refusals())


@pytest.mark.parametrize(
    "specifier",
    ["http://127.0.0.1:8/x", "https://example.com/x.tgz", "HTTPS://example.com/x", "git+https://example.com/x.git",
     "git://example.com/x", "git+ssh://git@example.com/x", "git@example.com:user/repo.git", "ssh://git@example.com/x",
     "user/repo", "user/repo#semver:^1", "github:user/repo", "gitlab:user/repo", "bitbucket:user/repo", "gist:0123",
     "https://example.com/x.git#main", "npm:x@http://example.com/x", "exec:./x.js", "ftp://example.com/x",
     " http://example.com/x", "git+file:///build/source/x", "patch:x@https://example.com/x#p",
     "patch:x@https%3A%2F%2Fexample.com%2Fx#p", "patch:x@exec%3A./x.js#p", "patch:x@patch%3Ax@exec%253A./x.js%23p#p",
     "patch:@a/x@github%3Auser/x#p", "workspace:x@exec:./x.js"],
)  # fmt: skip
@pytest.mark.parametrize("table", ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"])
def test_a_dependency_by_url_or_git_is_refused_with_its_line(table: str, specifier: str) -> None:
    (refusal,) = refusals({"crate/package.json": {table: {"x": specifier}}})
    assert (refusal.file, refusal.line) == ("crate/package.json", 3)
    assert '" of "x" is a dependency by ' in refusal.message
    assert "name a version that a registry has" in refusal.message


@pytest.mark.parametrize(
    "specifier",
    ["^1.0.0", "~1.2.3", "~1", "npm:y@~1.2", "latest", "", "*", "1 || 2", ">=1.0.0 <2", "npm:y@^1", "npm:@a/y@1", "npm:y", "workspace:*", "catalog:",
     "patch:x@npm%3A1.0.0#./x.patch", "patch:x@patch%3Ax@npm%253A1%23p#p", "patch:x@1#optional!builtin<compat/x>", "file:../other", "link:../other", "./vendor/x.tgz", "vendor/deep/x", "x.tgz", "beta-1"],
)  # fmt: skip
def test_what_a_registry_or_the_source_has_is_not(specifier: str) -> None:
    assert refusals({"crate/package.json": {"dependencies": {"x": specifier}}}) == []


@pytest.mark.parametrize(
    "specifier",
    ["file:../../x", "link:../../x", "../../x", "/etc", "file:/etc", "file:///etc", "file://host/etc", "~/x",
     "file:%2e%2e/%2e%2e/x", "portal:../../x", "file:out"],
)  # fmt: skip
def test_a_path_out_of_the_source_is_refused(specifier: str) -> None:
    found = refusals({"crate/package.json": {"dependencies": {"x": specifier}}}, links={"crate/out": "../../elsewhere"})
    assert "leads out of the source" in found[0].message


def test_replacements_are_dependencies_however_deep() -> None:
    package = {"overrides": {"a": {"b": {".": "user/repo"}}}, "resolutions": {"c": "https://x.invalid/y"}}
    package["pnpm"] = {"overrides": {"d": "git://x.invalid/y"}}
    assert len(refusals({"crate/package.json": package})) == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1' + "}" * 2, "<<<<<<< HEAD\n{}", "[" * 100_000, "{}x"])
@pytest.mark.parametrize("name", ["package.json", "package-lock.json", "npm-shrinkwrap.json"])
def test_what_npm_may_read_otherwise_than_as_json_is_refused(name: str, text: str) -> None:
    """Npm resolves conflict markers and installs one side."""
    assert "is not valid JSON" in refusals({"crate/package.json": "{}", f"crate/{name}": text})[0].message


def test_packages_that_are_reached_by_path_or_through_a_workspace_count_and_others_do_not() -> None:
    bad = {"dependencies": {"x": "user/repo"}}
    texts = {
        "package.json": {"workspaces": ["crate", "packages/*"]},
        "crate/package.json": {"dependencies": {"other": "file:../by-link"}},
        "by-path/package.json": {**bad, "dependencies": {"x": "user/repo", "next": "file:../next"}},
        "next/package.json": bad,
        "packages/a/package.json": bad,
        "fixtures/package.json": bad,
        "crate/node_modules/y/package.json": bad,
    }
    found = {each.file for each in refusals(texts, links={"by-link": "by-path"})}
    assert found == {"by-path/package.json", "next/package.json", "packages/a/package.json"}


@pytest.mark.parametrize(
    ("pattern", "counts"),
    [("crate", True), ("./crate/", True), ("/crate", True), ("*", True), ("**", True), ("{crate,website}", True),
     ("@(crate|website)", True), ("website", False), ("packages/*", False), ("crate/*", False)],
)  # fmt: skip
def test_a_workspace_above_counts_for_its_members_alone(pattern: str, counts: bool) -> None:
    top = {"workspaces": [pattern], "devDependencies": {"x": "user/repo"}}
    assert bool(refusals({"package.json": top, "crate/package.json": "{}"})) == counts


def test_a_crate_that_npm_does_not_install_is_not_asked() -> None:
    texts = {"crate/package.json": '{"dependencies": {"x": "user/repo"}}'}
    assert list(DependencySources(DependencyFiles(texts), "crate", "crate", None, REGISTRIES, "auto").refusals()) == []


def lock(**entry: Any) -> dict[str, Any]:
    return {"lockfileVersion": 3, "packages": {"": {}, "node_modules/x": entry}}


@pytest.mark.parametrize(
    "entry",
    [{"resolved": "https://other.example.com/x/-/x-1.tgz"}, {"resolved": "http://npm.example.com/x/-/x-1.tgz"},
     {"resolved": "https://npm.example.com:8443/x/-/x-1.tgz"}, {"resolved": "git+ssh://git@example.com/x.git#0123"},
     {"version": "https://example.com/x.tgz"}, {"resolved": "file:../../x.tgz"}, {"resolved": "../x", "link": True},
     {"resolved": "http://169.254.169.254/latest"}, {"resolved": "https://npm.example.com@other.example.com/x.tgz"}],
)  # fmt: skip
@pytest.mark.parametrize("name", ["package-lock.json", "npm-shrinkwrap.json"])
def test_what_npms_lock_takes_from_elsewhere_is_refused_with_its_line(name: str, entry: dict[str, Any]) -> None:
    entry = {**entry, "resolved": "../../x"} if entry.get("link") else entry
    (refusal,) = refusals({"crate/package.json": "{}", f"crate/{name}": lock(**entry)})
    assert (refusal.file, refusal.line) == (f"crate/{name}", 6)


def test_the_first_format_of_npms_lock() -> None:
    inner = {"version": "github:user/repo#0123"}
    texts = {
        "crate/package.json": "{}",
        "crate/package-lock.json": {"dependencies": {"a": {"version": "1", "dependencies": {"b": inner}}}},
    }
    assert len(refusals(texts)) == 1


@pytest.mark.parametrize(
    "entry",
    [{"version": "1.0.0", "resolved": f"{OWN}/x/-/x-1.0.0.tgz"}, {"version": "1.0.0"}, {"resolved": "packages/x", "link": True},
     {"resolved": f"{OWN}/download/x/1/0123"}, {"resolved": "file:vendor/x.tgz"}],
)  # fmt: skip
def test_what_npms_lock_takes_from_registries_and_the_source_is_not(entry: dict[str, Any]) -> None:
    assert refusals({"crate/package.json": "{}", "crate/package-lock.json": lock(**entry)}) == []


@pytest.mark.parametrize(
    ("setting", "refused"), [("open", 0), (("files.example.com", "auto"), 0), (("*.example.com",), 0), ("auto", 1)]
)
def test_a_host_that_the_manifest_names_is_allowed(setting: FetchHosts, refused: int) -> None:
    texts = {"crate/package.json": "{}", "crate/package-lock.json": lock(resolved="https://files.example.com/x.tgz")}
    assert len(refusals(texts, setting)) == refused


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]"]
)
def test_an_address_of_this_network_never_is(host: str) -> None:
    texts = {"crate/package.json": "{}", "crate/package-lock.json": lock(resolved=f"http://{host}:8080/x/-/x-1.tgz")}
    assert len(refusals(texts, "open")) == 1


def test_a_registry_that_the_source_configures_is_allowed_and_needs_its_host() -> None:
    texts = {
        "crate/package.json": "{}",
        ".npmrc": "//x/:_authToken=${A}\n@own:registry = https://own.example.com:8443/x/\nregistry=http://plain.example.com/\n",
        ".yarnrc.yml": 'npmRegistryServer: "https://yarn.example.com"\n',
        "crate/package-lock.json": lock(resolved="https://own.example.com:8443/y/-/y-1.tgz"),
    }
    assert refusals(texts) == []
    assert asked(texts).endpoints() == {("own.example.com", 8443), ("yarn.example.com", 443)}


YARN_1 = """# yarn lockfile v1

"@a/b@^1.0.0", "@a/b@^1.1.0":
  version "1.0.0"
  resolved "{url}"
"""
YARN_4 = """__metadata:
  version: 8

"@a/b@npm:^1.0.0":
  version: 1.0.0
  resolution: "{spec}"
"""


@pytest.mark.parametrize(
    "url",
    ["https://codeload.example.com/a/b/tar.gz/0123", "http://127.0.0.1/b/-/b-1.0.0.tgz", "git+https://example.com/a/b.git#01",
     "https://10.0.0.1/b/-/b-1.0.0.tgz"],
)  # fmt: skip
def test_what_yarns_lock_takes_from_elsewhere_is_refused(url: str) -> None:
    (refusal,) = refusals({"crate/package.json": "{}", "crate/yarn.lock": YARN_1.format(url=url)})
    assert (refusal.file, refusal.line) == ("crate/yarn.lock", 5)


@pytest.mark.parametrize("url", ["https://yarn.example.org/@a/b/-/b-1.0.0.tgz#0123", f"{OWN}/download/b"])
def test_what_yarns_lock_takes_from_a_registry_is_not(url: str) -> None:
    assert refusals({"crate/package.json": "{}", "crate/yarn.lock": YARN_1.format(url=url)}) == []


@pytest.mark.parametrize(
    ("spec", "count"),
    [("@a/b@npm:1.0.0", 0), ("@a/b@workspace:packages/b", 0), ("@a/b@patch:@a/b@npm%3A1.0.0#~/p::version=1&hash=2", 0),
     ("@a/b@https://example.com/b.tgz", 1), ("@a/b@git@example.com:a/b.git#commit=01", 1), ("b@https://github.example/a/b.git#commit=01", 1),
     ("b@npm:1.0.0::__archiveUrl=https%3A%2F%2F127.0.0.1%2Fb.tgz", 1)],
)  # fmt: skip
def test_resolutions_of_later_yarns(spec: str, count: int) -> None:
    assert len(refusals({"crate/package.json": "{}", "crate/yarn.lock": YARN_4.format(spec=spec)})) == count


@pytest.mark.parametrize(
    ("resolution", "count"),
    [("{integrity: sha512-x}", 0), ("{directory: ../other, type: directory}", 0), (f"{{integrity: x, tarball: {OWN}/b.tgz}}", 0),
     ("{tarball: https://codeload.example.com/b/tar.gz/0}", 1), ("{commit: 01, repo: https://example.com/a/b, type: git}", 1),
     ("{directory: ../../x, type: directory}", 1), ("{tarball: file:../../x.tgz}", 1), ("{'tarball': 'file:../../x.tgz'}", 1),
     ("", 1), ('{"tarb\\u0061ll": "file:../../x.tgz"}', 1)],
)  # fmt: skip
def test_resolutions_of_pnpm(resolution: str, count: int) -> None:
    text = f"lockfileVersion: '9.0'\npackages:\n\n  repo@1.0.0:\n    resolution: {resolution}\n    repo: 1.0.0\n"
    found = refusals({"crate/package.json": "{}", "crate/pnpm-lock.yaml": text})
    assert [each.line for each in found] == [5] * count


@pytest.mark.attack("nothing of a crate runs while the network is open")
@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        (".yarnrc.yml", "catalog:\n  evil: 'exec:./evil.js'\n", 2),
        (".yarnrc.yml", "catalogs: {own: {evil: 'patch:x@exec%3A./evil.js#p'}}\n", 1),
        (".yarnrc.yml", 'packageExtensions:\n  "x@*":\n    dependencies:\n      evil: https://example.com/x.tgz\n', 4),
        ("pnpm-workspace.yaml", "packages: []\noverrides: {evil: 'git+https://example.com/x.git'}\n", 2),
        ("pnpm-workspace.yaml", "catalog: {evil: \"\\x65xec:./evil.js\"}\n", None),
        ("pnpm-workspace.yaml", "catalog: &all {evil: 1}\ncatalogs: {own: *all}\n", None),
        (".yarnrc.yml", "catalog: [", None),
    ],
)  # fmt: skip
def test_dependencies_in_settings_of_yarn_and_pnpm_are_checked_too(file: str, text: str, line: int | None) -> None:
    for place in (".", "crate"):
        path = file if place == "." else f"crate/{file}"
        (refusal,) = refusals({"package.json": {"workspaces": ["crate"]}, "crate/package.json": "{}", path: text})
        assert (refusal.file, refusal.line) == (path, line)


def test_versions_and_paths_in_settings_are_no_refusals() -> None:
    text = "# of us\ncatalog: {a: ^1, b: 1.10, c: 'workspace:*'}\noverrides: {d: 'link:../other', e: '-', f: $g}\n"
    assert refusals({"crate/package.json": "{}", "crate/pnpm-workspace.yaml": text}) == []
    assert refusals({"crate/package.json": "{}", "crate/.yarnrc.yml": "# nothing\n"}) == []


@pytest.mark.parametrize("text", ["registry: {}/", "registries: {{default: {}}}"])
def test_registries_in_pnpms_settings_are_configured(text: str) -> None:
    own = text.format("https://pnpm.example.org")
    lock = "packages:\n  b@1:\n    resolution: {tarball: https://pnpm.example.org/b.tgz}\n"
    texts = {"crate/package.json": "{}", "crate/pnpm-lock.yaml": lock}
    assert len(refusals(texts)) == 1
    assert refusals({**texts, "crate/pnpm-workspace.yaml": own}) == []
