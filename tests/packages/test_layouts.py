"""Both layouts of an addon's packages: npm installs them for each platform, and real loaders load them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from generator.errors import Unbuildable
from generator.manifest.values import Layout
from generator.packages.addon import addon_packages
from generator.packages.identity import Identity
from generator.packages.tarball import NpmPackage, PackedFile
from generator.packages.tarball import package_json as written
from generator.platforms import NATIVE, PLATFORMS, PlatformName, host_platform
from tests.packages.conftest import IDENTITY, VERSION, Addon, TarballsOf, load, node, package_json, write_tarballs
from tests.support import write_files

# Names of systems in Node, and our names of platforms.
NOT_BUILT = {
    "linux,x64,musl": "linux-x64-musl",
    "linux,arm64,glibc": "linux-arm64-gnu",
    "linux,arm64,musl": "linux-arm64-musl",
    "linux,ppc64,glibc": "linux-ppc64-gnu",
    "darwin,x64,": "darwin-x64",
    "win32,arm64,": "win32-arm64",
    "freebsd,x64,": "freebsd-x64",
}
RUNTIME_RANGE = {"@napi-rs/wasm-runtime": "^1.0.0"}
RUNTIME = NpmPackage(
    "@napi-rs/wasm-runtime",
    (
        written({"name": "@napi-rs/wasm-runtime", "version": VERSION}),
        PackedFile("index.js", b""),
    ),
)
# Version 2 of napi's command line writes no ES modules, and its loader knows neither WebAssembly nor other places.
ONLY_3 = pytest.mark.parametrize("addon", ["napi 3"], indirect=True)
LAYOUTS: tuple[Layout, ...] = ("single", "split")


def system(platform: PlatformName) -> str:
    known = PLATFORMS[platform]
    return f"{known.os},{known.cpu},{known.libc}"


@pytest.mark.parametrize("platform", NATIVE)
def test_one_tarball_installs_on_every_platform_and_its_own_file_is_chosen(
    addon: Addon, addon_tarballs: TarballsOf, tmp_path: Path, platform: PlatformName
) -> None:
    assert addon_tarballs("single").install(tmp_path / "app", platform) == ["answer"]
    ran = load(tmp_path / "app", system(platform))
    assert ran.stdout == f"node_modules/@demo/answer/{addon.binary}.{platform}.node\n", ran.stderr


@pytest.mark.parametrize("platform", NATIVE)
def test_npm_installs_the_package_of_its_platform_and_no_other(
    addon: Addon, addon_tarballs: TarballsOf, tmp_path: Path, platform: PlatformName
) -> None:
    assert addon_tarballs("split").install(tmp_path / "app", platform) == ["answer", f"answer-{platform}"]
    ran = load(tmp_path / "app", system(platform))
    assert ran.stdout == f"node_modules/@demo/answer-{platform}/{addon.binary}.{platform}.node\n", ran.stderr


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_addon_is_loaded_by_this_machines_node(addon_tarballs: TarballsOf, tmp_path: Path, layout: Layout) -> None:
    if host_platform() not in NATIVE:
        pytest.skip("not run: this machine is none of the platforms")
    addon_tarballs(layout).install(tmp_path / "app", None)
    ran = node("node", "--print", "require('@demo/answer').answer()", cwd=tmp_path / "app")
    assert ran.stdout == "42\n", ran.stderr


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_platform_that_was_not_built_is_named_with_those_that_were(
    addon: Addon, tmp_path: Path, layout: Layout
) -> None:
    packages = addon.packages(tmp_path / "staged", ("linux-x64-gnu", "darwin-arm64"), layout)
    write_tarballs(tmp_path / "tgz", packages).install(tmp_path / "app", "linux-x64-gnu")
    for where, called in NOT_BUILT.items():
        ran = load(tmp_path / "app", where)
        sentence = f"@demo/answer was not built for {called}; it was built for: linux-x64-gnu, darwin-arm64"
        assert f"Error: {sentence}\n" in ran.stderr
        assert (ran.returncode, ran.stdout) == (1, "")


@ONLY_3
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_es_module_says_so_too(addon: Addon, tmp_path: Path, layout: Layout) -> None:
    top = tmp_path / "addon"
    shutil.copytree(addon.top, top, symlinks=True)
    ran = node("npx", "--no-install", "napi", "build", "--platform", "--release", "--esm", cwd=top)
    assert ran.returncode == 0, ran.stderr
    module = replace(addon, top=top, declared=addon.declared | {"type": "module", "main": "index.js"})
    packages = module.packages(tmp_path / "staged", ("linux-x64-gnu", "wasm32"), layout, devDependencies=RUNTIME_RANGE)
    write_tarballs(tmp_path / "tgz", (*packages, RUNTIME)).install(tmp_path / "app", "linux-x64-gnu")
    script = "import('@demo/answer')"
    assert load(tmp_path / "app", "linux,x64,glibc", script).stdout.endswith(".linux-x64-gnu.node\n")
    ran = load(tmp_path / "app", "darwin,x64,", script)
    if layout == "single":
        assert ran.stdout == "wasm\n", ran.stderr
    else:
        assert "Error: @demo/answer was not built for darwin-x64; it was built for: linux-x64-gnu; as" in ran.stderr


@ONLY_3
def test_an_addon_from_elsewhere_is_loaded_all_the_same(addon: Addon, tmp_path: Path) -> None:
    write_tarballs(tmp_path / "tgz", addon.packages(tmp_path / "staged", ("darwin-arm64",), "single")).install(
        tmp_path / "app", None
    )
    elsewhere = str(addon.top / f"{addon.binary}.{host_platform()}.node")
    script = "require('@demo/answer').answer()"
    ran = node("node", "--print", script, cwd=tmp_path / "app", NAPI_RS_NATIVE_LIBRARY_PATH=elsewhere)
    assert ran.stdout == "42\n", ran.stderr


def test_an_unscoped_addon_takes_its_platform_packages_from_a_scope(addon: Addon, tmp_path: Path) -> None:
    """The loader is as napi writes it for an unscoped package."""
    own = addon.staged(tmp_path / "staged", NATIVE)
    loader = (own / "index.js").read_text().replace(f"'{addon.declared['name']}-", "'answer-")
    assert "'answer-linux-x64-gnu'" in loader
    write_files(own, {"index.js": loader})
    identity = Identity("answer", VERSION, platform_packages="@demo/answer")
    packages = addon_packages(identity, addon.declared | {"name": "answer"}, NATIVE, own, "split")
    installed = write_tarballs(tmp_path / "tgz", packages).install(tmp_path / "app", "darwin-arm64")
    assert installed == ["answer-darwin-arm64"]
    ran = load(tmp_path / "app", "darwin,arm64,", "require('answer')")
    assert ran.stdout == f"node_modules/@demo/answer-darwin-arm64/{addon.binary}.darwin-arm64.node\n", ran.stderr


def with_wasm(addon: Addon, top: Path, layout: Layout) -> tuple[NpmPackage, ...]:
    """Return packages for one native platform and wasm32, and what the latter needs."""
    packages = addon.packages(top, ("linux-x64-gnu", "wasm32"), layout, devDependencies=RUNTIME_RANGE)
    return (*packages, RUNTIME)


@ONLY_3
def test_webassembly_in_the_one_tarball_takes_over_where_no_platform_fits(addon: Addon, tmp_path: Path) -> None:
    packages = with_wasm(addon, tmp_path / "staged", "single")
    assert write_tarballs(tmp_path / "tgz", packages).install(tmp_path / "app", "linux-x64-gnu") == ["answer"]
    assert load(tmp_path / "app", "freebsd,x64,").stdout == "wasm\n"
    assert load(tmp_path / "app", "linux,x64,glibc").stdout.endswith(".linux-x64-gnu.node\n")
    assert package_json(packages[0])["optionalDependencies"] == {"@napi-rs/wasm-runtime": "^1.0.0"}
    browser = {file.path: file.content for file in packages[0].files}["browser.js"]
    assert browser == f"export * from './{addon.binary}.wasi-browser.js'\n".encode()


@ONLY_3
def test_the_package_for_webassembly_is_not_installed_unless_one_asks_for_it(addon: Addon, tmp_path: Path) -> None:
    made = write_tarballs(tmp_path / "tgz", with_wasm(addon, tmp_path / "staged", "split"))
    assert made.install(tmp_path / "without", "linux-x64-gnu") == ["answer", "answer-linux-x64-gnu"]
    sentence = (
        "@demo/answer was not built for freebsd-x64; it was built for: linux-x64-gnu; "
        "as WebAssembly: npm install @demo/answer-wasm32-wasi"
    )
    assert f"Error: {sentence}\n" in load(tmp_path / "without", "freebsd,x64,").stderr
    wanted = "@demo/answer-wasm32-wasi"
    assert made.install(tmp_path / "with", "darwin-x64", wanted) == ["answer", "answer-wasm32-wasi"]
    assert load(tmp_path / "with", "freebsd,x64,").stdout == "wasm\n"


@ONLY_3
def test_only_linux_has_a_libc_and_webassembly_has_no_platform_at_all(addon: Addon, tmp_path: Path) -> None:
    root, *others = map(package_json, with_wasm(addon, tmp_path / "staged", "split")[:-1])
    assert root["optionalDependencies"] == {"@demo/answer-linux-x64-gnu": VERSION}
    where = {each["name"]: (each.get("os"), each.get("cpu"), each.get("libc")) for each in others}
    assert where == {
        "@demo/answer-linux-x64-gnu": (["linux"], ["x64"], ["glibc"]),
        "@demo/answer-wasm32-wasi": (None, None, None),
    }
    assert others[1]["dependencies"] == {"@napi-rs/wasm-runtime": "^1.0.0"}


def test_the_wasm_runtime_is_of_the_version_that_is_linked_in(addon: Addon, tmp_path: Path) -> None:
    wishes = RUNTIME_RANGE | {"@emnapi/core": "1.2.3", "@emnapi/runtime": "1.2.3", "emnapi": "1.2.3"}
    (package,) = addon.packages(tmp_path / "staged", ("wasm32",), "single", devDependencies=wishes)
    wishes.pop("emnapi")
    assert package_json(package)["dependencies"] == wishes


def test_wasm_is_packed_with_its_loader_and_without_its_debugging_twin(addon: Addon, tmp_path: Path) -> None:
    platforms: tuple[PlatformName, ...] = ("wasm32",)
    staged = addon.staged(tmp_path / "staged", platforms)
    (staged / f"{addon.binary}.wasm32-wasi.debug.wasm").write_text("")
    declared = addon.declared | {"devDependencies": RUNTIME_RANGE}
    (package,) = addon_packages(IDENTITY, declared, platforms, staged, "single")
    assert [file.path for file in package.files if file.path.endswith(".wasm")] == [f"{addon.binary}.wasm32-wasi.wasm"]
    (staged / f"{addon.binary}.wasi.cjs").unlink()
    with pytest.raises(Unbuildable, match=r"wasi\.cjs was not written: list wasm32-wasip1-threads among napi\.targets"):
        addon_packages(IDENTITY, declared, platforms, staged, "single")


def test_what_webassembly_imports_must_be_a_dependency(addon: Addon, tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match="wasm32 needs @napi-rs/wasm-runtime among the devDependencies"):
        addon.packages(tmp_path / "staged", ("wasm32",), "single", devDependencies={})


def test_every_package_has_readme_license_and_repository_and_no_script(addon: Addon, tmp_path: Path) -> None:
    for package in addon.packages(tmp_path / "staged", NATIVE, "split", scripts={"postinstall": "x"}):
        declared = package_json(package)
        assert {"README.md", "LICENSE"} <= {file.path for file in package.files}
        assert (declared["license"], declared["version"]) == ("MIT", VERSION)
        assert declared["repository"] == {"type": "git", "url": "https://git.example/answer"}
        assert "scripts" not in declared
        assert ("libc" in declared) == ("-linux-" in package.name)


def test_an_addon_without_napis_loader_cannot_be_split(addon: Addon, tmp_path: Path) -> None:
    own = addon.staged(tmp_path / "staged", ("linux-x64-gnu",))
    write_files(own, {"index.js": f"module.exports = require('./{addon.binary}.linux-x64-gnu.node');\n"})
    with pytest.raises(Unbuildable, match="no loader of the package requires its platform packages"):
        addon_packages(IDENTITY, addon.declared, ("linux-x64-gnu",), own, "split")
    assert len(addon_packages(IDENTITY, addon.declared, ("linux-x64-gnu",), own, "single")) == 1
