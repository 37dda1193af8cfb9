"""Scripts that install an addon's npm packages with the manager of its repository, and that run its scripts."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Any, Final

from generator.dependencies.files import DependencyFiles
from generator.errors import Unbuildable
from generator.network.endpoints import endpoint_of
from generator.network.registries import Registries
from generator.npm.files import YARN_LOCK, YARNRC, join, strings, table
from generator.npm.managers import Manager, Program
from generator.npm.projects import NpmProject
from generator.npm.published import merged_package_json
from generator.npm.settings import SETTINGS_FILES, npm_registries, safe_settings
from generator.packages.addon import WASM_RUNTIME_PACKAGES
from generator.sandboxes.layout import MANAGERS, NEEDED, SOURCE, TOOLS, source_path
from generator.scripts import with_arguments

# npm only unpacks: no lifecycle scripts, no audit calls. npm would prepare a git dependency with a second npm that runs
# its scripts, so none is allowed: by npm 11's own option and, for older ones, by a git that always fails. npm 10 runs
# `prepare` of a workspace's members in spite of the first option, so the shell of scripts does nothing.
NPM_OPTIONS: Final = (
    "--ignore-scripts --script-shell=/usr/bin/true --allow-git=none --git=/bin/false --node-options= --no-audit "
    "--no-fund --no-update-notifier"
)
# The managers must not replace themselves with the repository's own program, install again before they run a script,
# or report to anybody.
_ENVIRONMENT: Final = {
    "YARN_IGNORE_PATH": "1",
    "YARN_ENABLE_SCRIPTS": "0",
    "YARN_ENABLE_TELEMETRY": "0",
    "pnpm_config_pm_on_fail": "ignore",
    "pnpm_config_verify_deps_before_run": "false",
}
# `yarn run` of later yarns finds only programs of the package's own dependencies, and not those of the root's.
_EXECUTE: Final[dict[Manager, str]] = {
    "npm": "npx --no-install",
    "pnpm": "pnpm exec",
    "yarn": "yarn exec",
    "yarn-classic": "yarn run",
}
# Bytes of settings in a script: the kernel limits a command's argument.
MAX_SETTINGS: Final = 32 * 1024
_RESOLVED: Final = re.compile(r"^  resolved \"(https://([A-Za-z0-9.-]+)/[^\"]+/-/[^\"]+)\"", re.MULTILINE)


@dataclass(frozen=True)
class NpmSource:
    """An addon's npm project with its package.json as it is published, and the files that it was read from."""

    project: NpmProject
    package_json: dict[str, Any]
    files: DependencyFiles

    @property
    def package_lock(self) -> tuple[bytes | None, str]:
        """The text of npm's lock file, or None, and the package's directory from there: "" for the same directory."""
        project = self.project
        member = "" if project.package == project.directory else posixpath.relpath(project.package, project.directory)
        if project.lock is None or project.manager != "npm":
            return None, member
        return (self.files.text(join(project.directory, project.lock)) or "").encode(), member


def npm_source(project: NpmProject, files: DependencyFiles) -> NpmSource:
    """Return an addon's npm project with its package.json."""
    return NpmSource(project, merged_package_json(project, files.repository_files()), files)


def install_script(root: str, source: NpmSource, wasm: bool, registries: Registries) -> str:
    """Return the script that installs an addon's npm packages, and fills npm's cache for loading the finished package.

    With `wasm` that package also depends on the packages that run WebAssembly.
    """
    project = source.project
    lines = [*_reduce_settings(root, source.files), _environment(root, project)]
    if project.program:
        lines.append(f"({put_manager(f'{root}/{TOOLS}', project.program)}\n)")
    arguments = (source_path(root, project.directory), project.manager, project.lock or "", NPM_OPTIONS)
    lines += [
        f'printf %s {shlex.quote(_registries(source))} > "$HOME/.npmrc"',
        f"({with_arguments('install-npm-packages.sh', *arguments, *_replaced_hosts(source, registries))}\n)",
    ]
    if needed := _needed(source.package_json, wasm):
        text, directory = json.dumps({"private": True, "dependencies": needed}), shlex.quote(f"{root}/{NEEDED}")
        lines += [
            f"mkdir -p {directory} && cd {directory} && printf %s {shlex.quote(text)} > package.json",
            f"npm install {NPM_OPTIONS} --loglevel=error",
        ]
    return "\n".join(lines)


def put_manager(directory: str, program: Program) -> str:
    """Return the script that puts a manager's program into a directory."""
    words = (program.command, f"{program.package}@{program.version}", program.digest or "", program.digest_of)
    return with_arguments("put-manager.sh", directory, f"{MANAGERS}/{program.name}", *words, NPM_OPTIONS)


def restore_settings(root: str) -> str:
    """Return the script that restores the settings which were reduced while the network was open."""
    names = " -o ".join(f"-name {each}.given" for each in SETTINGS_FILES)
    restore = '\'mv -f "$1" "${1%.given}"\''
    return f"find {shlex.quote(f'{root}/{SOURCE}')} \\( {names} \\) -exec bash -c {restore} - {{}} \\;"


def manager_lines(root: str, project: NpmProject) -> str:
    """Return lines that put the manager on PATH, and after all others the programs of the install directory."""
    programs = shlex.quote(f"{source_path(root, project.directory)}/node_modules/.bin")
    return f'{_environment(root, project)}\nexport PATH="$PATH":{programs}'


def _environment(root: str, project: NpmProject) -> str:
    """Return the line that puts the manager on PATH."""
    if project.program is None:
        return ":"
    environment = _ENVIRONMENT | ({"YARN_NODE_LINKER": "node-modules"} if project.plug_and_play else {})
    variables = " ".join(f"{name}={value}" for name, value in environment.items())
    return f'export {variables} PATH={shlex.quote(f"{root}/{TOOLS}/node_modules/.bin")}:"$PATH"'


def run_script(project: NpmProject, name: str) -> str:
    """Return the command that runs a script of package.json."""
    return f"{project.command} run {name}"


def run_program(project: NpmProject, command: str) -> str:
    """Return the command that starts a program of a dependency."""
    return f"{_EXECUTE[project.manager]} {command}"


def _reduce_settings(root: str, files: DependencyFiles) -> list[str]:
    """Return lines that leave of the managers' settings only those that are safe while the network is open."""
    names = " -o ".join(f"-name {each}" for each in SETTINGS_FILES)
    source = shlex.quote(f"{root}/{SOURCE}")
    lines = [f"find {source} \\( -type f -o -type l \\) \\( {names} \\) -exec mv {{}} {{}}.given \\;"]
    size = 0
    for path in sorted({*files.texts, *files.links}):
        name = posixpath.basename(path)
        text = files.text(path) if name in SETTINGS_FILES else None
        if text is None or not (kept := safe_settings(name, text)):
            continue
        size += len(kept)
        if size > MAX_SETTINGS:
            raise Unbuildable(f"the settings of npm, yarn and pnpm are larger than {MAX_SETTINGS // 1024} KiB: {path}")
        lines.append(f"printf %s {shlex.quote(kept)} > {shlex.quote(source_path(root, path))}")
    return lines


def _registries(source: NpmSource) -> str:
    """Return the registries of a project's settings as npm writes them."""
    directory, files = source.project.directory, source.files
    npmrc, yarnrc = (files.text(join(directory, name)) or "" for name in (".npmrc", ".yarnrc"))
    scopes = table(files.repository_files().settings(directory, YARNRC), "npmScopes")
    servers = {name: strings(scopes, name).get("npmRegistryServer", "") for name in scopes}
    return npm_registries(npmrc, yarnrc, servers)


def _replaced_hosts(source: NpmSource, registries: Registries) -> tuple[str, ...]:
    """Return the hosts of archives in yarn 1's lock file that are no registries of this machine."""
    if source.project.manager != "yarn-classic":
        return ()
    text = source.files.text(join(source.project.directory, YARN_LOCK)) or ""
    known = {each.host for each in registries.endpoints}
    hosts = {found[2] for found in _RESOLVED.finditer(text) if endpoint_of(found[1])}
    return tuple(sorted(hosts - known))


def _needed(package_json: dict[str, Any], wasm: bool) -> dict[str, str]:
    """Return the dependencies that the finished package will have.

    Installing them fills npm's cache with the registry's list of versions, which a lock file lacks: the finished
    package is installed without the network.
    """
    own = strings(package_json, "dependencies")
    asked = {**strings(package_json, "devDependencies"), **own}
    return own | {name: asked[name] for name in WASM_RUNTIME_PACKAGES if wasm and name in asked}
