"""Package managers: npm, pnpm and both generations of yarn, and the npm packages that hold their programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from generator.errors import InputError
from generator.npm.files import NPM_LOCKS, PNPM_LOCK, YARN_LOCK, table
from generator.text import quoted
from generator.versions import versions

Manager = Literal["npm", "pnpm", "yarn", "yarn-classic"]

_VERSION: Final = r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?)"
_FIELD: Final = re.compile(rf"[a-z]+@{_VERSION}(?:\+(?P<digest>.+))?")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_NAMES: Final[Mapping[str, Manager]] = {"npm": "npm", "pnpm": "pnpm", "yarn": "yarn"}
_DIGEST: Final = re.compile(r"sha(1|224|256|384|512)\.[0-9a-f]{40,128}")
_RELEASE: Final = re.compile(rf"^yarnPath:[^\n]*/yarn-{_VERSION}\.cjs", re.MULTILINE)
_LOCK_VERSION: Final = {
    "pnpm": re.compile(r"^lockfileVersion: *['\"]?([0-9]{1,9})", re.MULTILINE),
    "yarn": re.compile(r"^__metadata:\n  version: ([0-9]{1,9})", re.MULTILINE),
}
# The oldest versions with all options that are used here.
_OLDEST: Final[Mapping[Manager, int]] = {"pnpm": 8, "yarn": 3, "yarn-classic": 1}


@dataclass(frozen=True)
class Program:
    """A manager's program: the npm package that holds it, its version, and the command that it is.

    `digest` is ALGORITHM.HEX, as in the field packageManager: of the package's archive, or of the program in it.
    """

    command: str
    package: str
    version: str
    digest: str | None = None
    digest_of: Literal["archive", "program"] = "archive"

    @property
    def name(self) -> str:
        """The command and the version: the name of the directory of an installed program."""
        return f"{self.command}-{self.version}"


_LATER_YARN: Final = "@yarnpkg/cli-dist"
_PACKAGES: Final[Mapping[Manager, str]] = {"yarn-classic": "yarn", "yarn": _LATER_YARN, "pnpm": "pnpm"}
# The managers whose programs are npm packages; npm itself comes with Node.js.
MANAGERS: Final[tuple[Manager, ...]] = tuple(_PACKAGES)


def _program(manager: Manager, version: str) -> Program:
    known = {each.version: each.sha512 for each in versions().managers[manager]}
    digest = f"sha512.{known[version]}" if version in known else None
    return Program("pnpm" if manager == "pnpm" else "yarn", _PACKAGES[manager], version, digest)


def programs(manager: Manager) -> tuple[tuple[int, Program], ...]:
    """Return the programs for a lock file when package.json names no version, by the version of its format.

    The last one is for new formats, and for a package without a lock file.
    """
    return tuple((each.lock, _program(manager, each.version)) for each in versions().managers[manager])


def default_programs() -> tuple[Program, ...]:
    """Return the programs that are used when package.json names no version."""
    return tuple(program for manager in MANAGERS for _, program in programs(manager))


@dataclass(frozen=True)
class NamedManager:
    """A manager that package.json names, with its version if that is exact, and the digest of its program."""

    manager: Manager
    version: str | None = None
    digest: str | None = None


def named_manager(package: Mapping[str, Any], file: str) -> NamedManager | None:
    """Return the manager in the field packageManager or devEngines; None without one, and for others such as bun.

    InputError when `file` names a version that is too old, or a digest that cannot be checked.
    """
    field = package.get("packageManager")
    engine = table(package, "devEngines").get("packageManager")
    engine = engine[0] if isinstance(engine, list) and engine else engine
    if not isinstance(field, str) and isinstance(engine, dict):
        field = f"{engine.get('name')}@{engine.get('version')}"
    if not isinstance(field, str):
        return None
    name, _, written = field.partition("@")
    known = _NAMES.get(name)
    if known is None:
        return None
    found, number = _FIELD.fullmatch(field), _NUMBER.search(written)
    version, major = found["version"] if found else None, int(number[0]) if number else 0
    manager: Manager = "yarn-classic" if (name, major) == ("yarn", 1) else known
    if manager in _OLDEST and 0 < major < _OLDEST[manager]:
        oldest = "1 or 3" if name == "yarn" else _OLDEST[manager]
        raise InputError(f"{file} names {quoted(field)}: {name} {oldest} or newer is needed")
    digest = found["digest"] if found else None
    if digest and not _DIGEST.fullmatch(digest):
        raise InputError(f"{file} names {quoted(field)}: its hash is not ALGORITHM.HEX, as Corepack writes it")
    return NamedManager(manager, version, digest)


def manager_of(lock: str, text: str) -> Manager:
    """Return the manager of a lock file by its name and, for yarn, its text."""
    if lock in NPM_LOCKS:
        return "npm"
    if lock == PNPM_LOCK:
        return "pnpm"
    return "yarn" if _LOCK_VERSION["yarn"].search(text.replace("\r\n", "\n")) else "yarn-classic"


def locks_of(manager: Manager) -> tuple[str, ...]:
    """Return the names of a manager's lock files."""
    return NPM_LOCKS if manager == "npm" else (PNPM_LOCK,) if manager == "pnpm" else (YARN_LOCK,)


def program_of(manager: Manager, named: NamedManager | None, lock: str, settings: str) -> Program | None:
    """Return a manager's program: the named version, else that of yarn's settings, else one for the lock's format.

    `lock` and `settings` are the texts of the lock file and of .yarnrc.yml. None stands for the machine's own npm.
    """
    if manager == "npm":
        return None
    if named is not None and named.manager == manager and named.version:
        program = _program(manager, named.version)
        # Corepack digests the file of later yarns, which it downloads without its package.
        digest_of: Literal["archive", "program"] = "program" if manager == "yarn" else "archive"
        return replace(program, digest=named.digest, digest_of=digest_of) if named.digest else program
    if manager == "yarn" and (release := _RELEASE.search(settings)):
        return _program("yarn", release["version"])
    pattern = _LOCK_VERSION.get(manager)
    written = pattern.search(lock.replace("\r\n", "\n")) if pattern else None
    known = programs(manager)
    return next((each for version, each in known if written and int(written[1]) <= version), known[-1][1])
