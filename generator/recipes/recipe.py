"""The steps that every kind shares, and what a kind adds to them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from generator.dependencies.files import DEPENDENCY_FILES
from generator.manifest.models import RegistrySource
from generator.manifest.names import platform_package
from generator.packages.addon import RUNTIME
from generator.packages.tarball import NpmPackage
from generator.platforms import PlatformName
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.test_run import TestRun

# A run of npm that only unpacks: no lifecycle scripts, no audit calls. A git dependency would be prepared by a second
# npm that runs its scripts: none are allowed, by npm 11's own option and, for older ones, by a git that always fails.
NPM_OPTIONS: Final = (
    "--ignore-scripts --allow-git=none --git=/bin/false --node-options= --no-audit --no-fund --no-update-notifier"
)

# What a project's .npmrc may say while the network is open: where packages come from, and how strict npm is. Other keys
# name programs to run or modules to load, and a value with ${...} would send variables away.
_NPMRC: Final = (
    r"^(@[a-z0-9._-]+:)?registry *= *https://[A-Za-z0-9./:_-]+$"
    r"|^(legacy-peer-deps|strict-peer-deps|engine-strict|prefer-dedupe) *= *(true|false)$"
)

# What the package will depend on is installed once more, as its users will: a lock file names versions, and npm's cache
# is to know which there are when the package is loaded without the network. Both times they come from where the
# project's .npmrc says, which lies in HOME by then: a name of somebody's own registry is asked for nowhere else.
_NEEDED: Final = """needed=$(node -e '
const fs = require("fs"), path = require("path");
const [root, ...runtime] = process.argv.slice(1);
const own = JSON.parse(fs.readFileSync("package.json", "utf8"));
const asked = { ...own.devDependencies, ...own.dependencies };
const names = [...Object.keys(own.dependencies ?? {}), ...runtime.filter((name) => name in asked)];
fs.mkdirSync(path.join(root, "needed"), { recursive: true });
const dependencies = Object.fromEntries(names.map((name) => [name, asked[name]]));
fs.writeFileSync(path.join(root, "needed/package.json"), JSON.stringify({ private: true, dependencies }));
console.log(names.length);
' %(root)s %(runtime)s)
  if [ "$needed" != 0 ]; then cd %(root)s/needed && npm install %(flags)s --loglevel=error; fi"""

# Where the recipes leave what a phase hands on, below the sandbox's root.
METADATA: Final = "metadata.json"
LOCK: Final = "Cargo.lock"
PACKAGE_JSON: Final = "package.json"
PACKAGE_LOCK: Final = "package-lock.json"
PACKAGES: Final = "packages.txt"
OUT: Final = "out"
OUT_TAR: Final = "out.tar"
NAMED_TAR: Final = "named.tar"


@dataclass(frozen=True)
class Tool:
    """Programs of the crate registry that a recipe needs: which crate, in which version, and what they are called."""

    crate: str
    version: str
    programs: tuple[str, ...]


class Recipe(Protocol):
    """What a kind of crate adds to the shared steps; scripts run in the crate's directory."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """Programs that must lie in `job.tools` before compiling; `lock` is the text of Cargo.lock after fetching."""

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Script that compiles one platform; Unbuildable when the crate is not of this kind."""

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """How the tests are run on the host or, after the host's have passed, on another platform."""

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Script that puts exactly the files of the package into $OUT, or None for a crate without a package."""

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Packages from the files that came out, the root's first; Unbuildable names what is missing."""

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Script that loads the installed package, and the words a person would use for it."""


def source_script(job: BuildJob, source: RegistrySource) -> str:
    """Download a published crate's source, and leave what in it says of dependencies for the host to read."""
    names = " -o ".join(f"-name {each}" for each in sorted(DEPENDENCY_FILES))
    return (
        f"cd {shlex.quote(job.root)}\n{download_source(source.registry, source.version)}\n"
        f"cd source && find . \\( -type f -o -type l \\) \\( {names} \\) -print0 | tar -cf ../{NAMED_TAR} --null -T -"
    )


def fetch_script(job: BuildJob) -> str:
    """Download everything the build needs and execute nothing of the crate, whose source is there.

    Cargo runs outside of the source, so that no configuration in it can name a program for Cargo to start. npm runs
    for addons only: other crates may have a package.json that is no business of their build.
    """
    parts = ["cd " + shlex.quote(job.root)]
    if isinstance(job.crate.source, RegistrySource):
        parts.append(_fetch_published(job))
    else:
        parts.append(_fetch_locked(job))
    if job.crate.kind == "napi":
        parts.append(_npm_install(job))
    return "\n".join(parts)


def describe_script(job: BuildJob) -> str:
    """Leave cargo's description of the crate and its dependencies, and npm's, where the host can take them.

    Now, before anything of the crate runs, which could change them. And for each platform what Cargo compiles for it
    with the crate's default features, one "PLATFORM NAME" a line.
    """
    root, directory, workspace = (shlex.quote(each) for each in (job.root, job.directory, job.workspace))
    filters = "".join(f" --filter-platform {job.toolchain.target(job.crate.kind, each)}" for each in job.platforms)
    metadata = f"cargo metadata --offline --format-version 1{filters} --manifest-path {directory}/Cargo.toml"
    return (
        f"cd {root}\n{metadata} > {METADATA}\ncp {workspace}/Cargo.lock {LOCK}\n"
        f"for each in {PACKAGE_JSON} {PACKAGE_LOCK}; do\n"
        f'  if [ -f {directory}/"$each" ]; then cp -L {directory}/"$each" "$each"; fi\ndone\n'
        + "\n".join(_tree(job, platform) for platform in job.platforms)
    )


def _tree(job: BuildJob, platform: PlatformName) -> str:
    options = "--offline --edges normal,build --prefix none --format '{p}'"
    target, manifest = job.toolchain.target(job.crate.kind, platform), shlex.quote(f"{job.directory}/Cargo.toml")
    tree = f"cargo tree {options} --target {target} --manifest-path {manifest}"
    return f"{tree} | sed -nE 's/^([A-Za-z0-9_-]+) v.*/{platform} \\1/p' | sort -u >> {PACKAGES}"


def collect_script(job: BuildJob) -> str:
    """Make one tar of what was staged and print its SHA-256."""
    root = shlex.quote(job.root)
    pack = f"tar --format=ustar --sort=name -cf {OUT_TAR} -C {OUT} ."
    return f"cd {root} && rm -rf {OUT_TAR} && {pack} && sha256sum {OUT_TAR}"


def load_script(job: BuildJob, tarballs: Mapping[str, str], load: str) -> str:
    """Install the package into an empty folder, with the source out of reach, and load it there.

    `tarballs` are the files by npm name, the root package's first. npm takes the others from there, too; the one for
    wasm32, which few ask for, is asked for.
    """
    root = shlex.quote(job.root)
    own, *others = tarballs
    wasm = [name for name in others if name == platform_package(own, "wasm32")]
    overrides = {name: f"file:../packed/{tarballs[name]}" for name in others if name not in wasm}
    wanted = shlex.join(f"../packed/{tarballs[name]}" for name in (own, *wasm))
    package_json = json.dumps({"private": True, "overrides": overrides})
    return (
        f"cd {root} && rm -rf load && mkdir load && mv source source.out-of-reach\n"
        f"cd load && echo {shlex.quote(package_json)} > package.json\n"
        f"npm install --offline {NPM_OPTIONS} --loglevel=error {wanted}\n"
        f"{load}"
    )


def download_source(name: str, version: str) -> str:
    """Download one published crate into `source`; `cargo info` does so without resolving its dependencies."""
    return f"""cargo info --quiet {name}@{version} > /dev/null
mkdir -p source && cp -R "$CARGO_HOME"/registry/src/*/{name}-{version}/. source/
rm -f source/.cargo-ok"""


def _fetch_locked(job: BuildJob) -> str:
    """Fetch by the repository's own lock file; what it does not hold is an error, so that no version slips in."""
    manifest, lock = shlex.quote(f"{job.directory}/Cargo.toml"), shlex.quote(f"{job.workspace}/Cargo.lock")
    if not job.source.has_lock:
        return f"cargo fetch --manifest-path {manifest}"
    pins = "grep -E '^(checksum|source = \"git)' {} | sort -u"
    return f"""cp {lock} lock.given
cargo fetch --manifest-path {manifest}
if comm -13 <({pins.format("lock.given")} || true) <({pins.format(lock)} || true) | grep -q .; then
  echo "error: Cargo.lock does not hold all dependencies: run cargo update --workspace and commit it" >&2; exit 1
fi"""


def _fetch_published(job: BuildJob) -> str:
    """Fetch by the published lock file, or anew where the registry no longer has a version that it names."""
    manifest = shlex.quote(f"{job.directory}/Cargo.toml")
    return f"""if [ -f source/Cargo.lock ] && ! cargo fetch --locked --manifest-path {manifest} 2> fetch.log; then
  cat fetch.log >&2
  grep -qE 'lock file|failed to select|no matching package|yanked' fetch.log || exit 101
  echo "note: the published Cargo.lock cannot be used any more; dependencies are resolved anew"
  rm source/Cargo.lock
fi
cargo fetch --manifest-path {manifest}"""


def restore_script(job: BuildJob) -> str:
    """Put back what npm was not to read while the network was open."""
    return f"""cd {shlex.quote(job.root)}
find source -name .npmrc.given -type f | while IFS= read -r each; do mv "$each" "${{each%.given}}"; done"""


def _npm_install(job: BuildJob) -> str:
    """Install by npm's own lock file where there is one; refuses dependencies from git."""
    directory = shlex.quote(job.directory)
    runtime = shlex.join(RUNTIME) if "wasm32" in job.platforms else ""
    return f"""find source -name .npmrc | while IFS= read -r each; do
  mv "$each" "$each.given" && {{ grep -E '{_NPMRC}' "$each.given" > "$each" || true; }}
done
if [ -f {directory}/package.json ]; then
  cd {directory}
  if grep -qE '"(resolved|version)": *"git' package-lock.json npm-shrinkwrap.json 2>/dev/null; then
    echo "error: npm dependencies from git are not built: they would run their scripts while the network is open" >&2
    exit 1
  fi
  project=$(npm prefix)
  if [ -f "$project/.npmrc" ]; then cp "$project/.npmrc" "$HOME/.npmrc"; fi
  if [ -f package-lock.json ]; then npm ci {NPM_OPTIONS}; else npm install --no-package-lock {NPM_OPTIONS}; fi
  {_NEEDED % {"root": shlex.quote(job.root), "runtime": runtime, "flags": NPM_OPTIONS}}
fi"""
