"""Settings of package managers that stay while the network is open."""

from __future__ import annotations

import pytest

from generator.npm.settings import npm_registries, safe_settings


def test_npmrc_keeps_registries_and_how_strict_npm_is() -> None:
    text = (
        "registry = https://own.example.com/npm/\r\n@own:registry=https://own.example.com:8443/\nengine-strict=true\n"
        "legacy-peer-deps = true \t\nprefer-dedupe=true\r\n"
        "node-options=--require=/x.js\nscript-shell=/x\n//own.example.com/:_authToken=${TOKEN}\n"
        "registry=https://x.example.com/${HOME}\nregistry=http://plain.example.com/\n"
    )
    assert safe_settings(".npmrc", text).splitlines() == [
        "registry = https://own.example.com/npm/", "@own:registry=https://own.example.com:8443/", "engine-strict=true",
        "legacy-peer-deps = true", "prefer-dedupe=true",
    ]  # fmt: skip


def test_yarnrc_keeps_registries() -> None:
    text = (
        'registry "https://own.example.com"\n"@own:registry" "https://own.example.com/x"\n'
        "registry https://blank.example.com \n"
        'yarn-path ".yarn/releases/x.cjs"\n--install.ignore-scripts false\nregistry "https://x.example.com/${HOME}"\n'
    )
    assert safe_settings(".yarnrc", text).splitlines() == [
        '"registry" "https://own.example.com"', '"@own:registry" "https://own.example.com/x"',
        '"registry" "https://blank.example.com"',
    ]  # fmt: skip


LATER = """nodeLinker: node-modules
yarnPath: .yarn/releases/yarn-4.0.0.cjs
plugins:
  - path: .yarn/plugins/x.cjs
    spec: x
# of us
npmScopes:
  own:
    npmRegistryServer: "https://own.example.com"
    npmAuthToken: "${TOKEN}"
"plugin\\x73": [x]
? preferTruncatedLines
: [x]
packageExtensions: {"x@*": {dependencies: {y: "1"}}}
catalog:
  x: 1.10
  "y": "2"
"""


def test_later_yarns_settings_keep_no_program_and_no_variable() -> None:
    assert safe_settings(".yarnrc.yml", LATER).splitlines() == [
        "nodeLinker: node-modules", "npmScopes:", "  own:", '    npmRegistryServer: "https://own.example.com"',
        'packageExtensions: {"x@*": {dependencies: {y: "1"}}}', "catalog:", "  x: 1.10", '  "y": "2"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["{plugins: [x]}", "\u2028plugins: x", "\tplugins: x\n", "- plugins: x", "plugins : x", "catalog: {a: &b 1, c: *b}",
     "catalog: !!map {a: b}", "catalog: {a: 1}\n--- # another document\ncatalog: {b: 1}\n", "catalog: {a: !!int ''}", "[", "x", "? [catalog]\n: x\n"],
)  # fmt: skip
def test_other_forms_of_yaml_keep_nothing(text: str) -> None:
    assert safe_settings(".yarnrc.yml", text) == ""


@pytest.mark.parametrize(
    "value", ['"https://h.example/\\x24{SECRET}"', '"https://h.example/$\\\n  {SECRET}"', '"${SECRET}"', "x${SECRET}"]
)
def test_no_form_of_a_variable_is_kept(value: str) -> None:
    text = f"npmScopes:\n  own:\n    npmRegistryServer: {value}\nnpmRegistryServer: {value}\nnodeLinker: pnpm\n"
    assert "SECRET" not in safe_settings(".yarnrc.yml", text)
    assert "nodeLinker: pnpm" in safe_settings(".yarnrc.yml", text)


def test_pnpms_settings_keep_the_workspace_and_no_program() -> None:
    text = "packages:\n  - packages/*\n  - 'more/*'\ncatalog:\n  x: ^1\nconfigDependencies:\n  evil: 1.0.0\npnpmfile: x.cjs\n"
    assert safe_settings("pnpm-workspace.yaml", text).splitlines() == [
        "packages:", "- packages/*", "- 'more/*'", "catalog:", "  x: ^1",
    ]  # fmt: skip


def test_npm_looks_up_private_names_where_yarn_does() -> None:
    found = npm_registries(
        "@a:registry=https://a.example.com/\n", '"@b:registry" "https://b.example.com"\n',
        {"c": "https://c.example.com", "d": "https://d.example.com/${TOKEN}", "e": ""},
    )  # fmt: skip
    assert found.splitlines() == [
        "@c:registry=https://c.example.com", "@b:registry=https://b.example.com", "@a:registry=https://a.example.com/",
    ]  # fmt: skip
