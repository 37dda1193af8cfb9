"""What the values of a valid manifest must be to each other; pure, from a manifest to the problems in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from generator.files.portable_names import why_no_name
from generator.manifest.models import Crate, Fleet, Manifest, RegistrySource
from generator.manifest.names import github_asset_name, platform_package, tarball_name, tarball_names
from generator.manifest.problems import Loc, Problem, quoted
from generator.manifest.schedules import why_not_scheduled
from generator.manifest.settings import npm_name
from generator.manifest.values import FetchHosts, NpmName
from generator.platforms import VALID_FOR, WHY_NOT

# Under their usual names: the keys to GitHub, ACTIONS_* being the runner's own, and to the sandboxes themselves.
_GITHUB_KEYS: Final = re.compile(r"ACTIONS_.*|(.*_)?(GITHUB|GH|GHCR)_(.*_)?(TOKEN|PAT|KEY|SECRET|PASSWORD)(_.*)?")
_E2B_KEYS: Final = re.compile(r"(.*_)?E2B_(.*_)?(KEY|TOKEN)")
# What npm and cargo publish with. They would not help to fetch either: variables come after the network closed.
_PUBLISHING_KEYS: Final = re.compile(r"NODE_AUTH_TOKEN|(.*_)?NPM_(.*_)?TOKEN|CARGO_REGISTR(Y|IES_.+)_TOKEN")
# How programs run, what they load, and the variables of action.yml's steps: a workflow's env reaches all of these.
_STEERING: Final = re.compile(
    r"PATH|HOME|TMPDIR|ENV|IFS|CDPATH|PS4|(SHELL|BASH)OPTS|(BASH|LD|DYLD|PIP|UV|CRATEMATRIX)_.*|PYTHON.*"
    r"|NODE_(OPTIONS|PATH|EXTRA_CA_CERTS)|GIT_(CONFIG|SSH|DIR|EXEC_PATH).*|GCONV_PATH|GLIBC_TUNABLES"
    r"|OPENSSL_(CONF|ENGINES|MODULES)|SSL_CERT_(DIR|FILE)|(CURL|REQUESTS)_CA_BUNDLE"
    r"|BACKEND|COMMAND|LINKERS|MANIFEST|RELEASE_ID|SHARD"
)
# What HTTP decides for each request (RFC 9110, 9112, and Cookie of RFC 6265), and what the SDK says itself.
_RESERVED_HEADERS: Final = re.compile(
    r"host|content-.*|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|accept|accept-encoding"
    r"|user-agent|cookie|idempotency-key|keepalive-.*|connect-.*|x-api-key|x-access-token|e2b-.*|x-metadata-.*"
    r"|lang|lang_version|package_version|publisher|sdk_runtime|system|proxy-.*",
    re.IGNORECASE,
)
_REFERENCE: Final = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_NPM_NAME: Final = TypeAdapter[str](NpmName)
_LONGEST_CYCLE_SHOWN: Final = 8


def check_manifest(manifest: Manifest) -> tuple[Problem, ...]:
    """Everything that is wrong between the values of a manifest, in the order of the checks."""
    checks = (
        _equal_names,
        _npm_names,
        _changed_assets,
        _dependencies,
        _cycles,
        _platforms,
        _repetitions,
        _registry_versions,
        _secrets,
        _headers,
        _schedule,
    )
    return tuple(problem for check in checks for problem in check(manifest))


def _crates(manifest: Manifest) -> Iterator[tuple[int, Crate]]:
    return enumerate(manifest.crates)


def _name_loc(index: int, crate: Crate) -> Loc:
    """Where the npm name of a crate comes from."""
    return ("crates", index, "npm_name" if crate.npm_name else "name")


def _equal_names(manifest: Manifest) -> Iterator[Problem]:
    """Names become files, and file systems that ignore case exist: names that differ only in case are equal."""
    seen: dict[tuple[str, str], tuple[Loc, str]] = {}
    for index, crate in _crates(manifest):
        names = _names(manifest.fleet, index, crate)
        clash = next(((what, name, loc) for what, name, loc in names if (what, name.lower()) in seen), None)
        if clash:
            what, name, loc = clash
            other, first = seen[what, name.lower()]
            how = "is" if name == first else "differs only in case from"
            yield Problem(loc, f"the {what} {quoted(name)} {how} that of another crate", other=other)
        for what, name, loc in names:
            seen.setdefault((what, name.lower()), (loc, name))


def _names(fleet: Fleet, index: int, crate: Crate) -> list[tuple[str, str, Loc]]:
    """The names that must be a crate's own, from the cause to its effects; a library is not packed.

    Those of packages for one platform too, whatever the layout: it may be changed without a look at other names.
    """
    own: list[tuple[str, str, Loc]] = [("crate name", crate.name, ("crates", index, "name"))]
    if crate.kind == "lib":
        return own
    package, loc = npm_name(fleet, crate), _name_loc(index, crate)
    assets = tarball_names(crate, package, VALID_FOR[crate.kind], "split")
    packages = [package, *(platform_package(package, each) for each in assets.values() if each)]
    npm: list[tuple[str, str, Loc]] = [("npm name", each, loc) for each in packages]
    return [*own, *npm, *(("release asset", github_asset_name(each), loc) for each in assets)]


def _npm_names(manifest: Manifest) -> Iterator[Problem]:
    for index, crate in _crates(manifest):
        name = npm_name(manifest.fleet, crate)
        if not _is_npm_name(name):
            sentence = f"{quoted(name)} would not be an npm name, which is lower-case; give this crate an npm_name"
            yield Problem(("crates", index, "name"), sentence)
        elif crate.kind != "lib" and (why := _why_not_installed(name)):
            sentence = f"{quoted(name)} cannot be installed everywhere: {why}; give this crate another npm_name"
            yield Problem(_name_loc(index, crate), sentence)


def _why_not_installed(name: str) -> str | None:
    """Say why no directory may be called like a package; Node would look for other packages in one of the first."""
    if name.endswith(("/node_modules", "/favicon.ico")):
        return "npm keeps that name for itself"
    return next(filter(None, map(why_no_name, name.split("/"))), None)


def _is_npm_name(name: str) -> bool:
    try:
        _NPM_NAME.validate_python(name)
    except ValidationError:
        return False
    return True


def _changed_assets(manifest: Manifest) -> Iterator[Problem]:
    for index, crate in _crates(manifest):
        asset = tarball_name(npm_name(manifest.fleet, crate), crate.version)
        renamed = github_asset_name(asset)
        if asset != renamed:
            sentence = (
                f"GitHub would rename the release asset {quoted(asset)} to {quoted(renamed)}; choose another name"
            )
            yield Problem(_name_loc(index, crate), sentence)


def _dependencies(manifest: Manifest) -> Iterator[Problem]:
    known = {crate.name: None for crate in manifest.crates}
    for index, crate in _crates(manifest):
        for position, name in enumerate(crate.depends_on):
            loc: Loc = ("crates", index, "depends_on", position)
            if name == crate.name:
                yield Problem(loc, f"{quoted(name)} depends on itself; remove it")
            elif name not in known:
                yield _unknown_crate(loc, name, known)
    for position, name in enumerate(manifest.fleet.canaries):
        if name not in known:
            yield _unknown_crate(("fleet", "canaries", position), name, known)


def _unknown_crate(loc: Loc, name: str, known: Mapping[str, None]) -> Problem:
    return Problem(loc, f"{quoted(name)} is not a crate of this fleet", wrong=name, known=known)


def _cycles(manifest: Manifest) -> Iterator[Problem]:
    """One problem for every dependency that closes a cycle: without these there is none.

    graphlib would name a single cycle; this is its depth-first search, carried on.
    """
    index = {crate.name: number for number, crate in _crates(manifest)}
    waiting = [
        iter([(place, index[name]) for place, name in enumerate(crate.depends_on) if name in index])
        for crate in manifest.crates
    ]
    depth: dict[int, int] = {}
    for start in index.values():
        path = [] if start in depth else [start]
        depth.setdefault(start, 0)
        while path:
            place, needed = next(waiting[path[-1]], (None, -1))
            if place is None:
                depth[path.pop()] = -1
            elif needed not in depth:
                depth[needed] = len(path)
                path.append(needed)
            elif depth[needed] >= 0 and needed != path[-1]:
                cycle = _cycle(manifest, path, depth[needed])
                yield Problem(("crates", path[-1], "depends_on", place), f"this closes a cycle: {cycle}; remove one")


def _cycle(manifest: Manifest, path: list[int], start: int) -> str:
    """The path from `start` on and back, as a -> b -> a; a long one without its middle."""
    hidden = len(path) - start - _LONGEST_CYCLE_SHOWN
    if hidden <= 0:
        shown = [manifest.crates[number].name for number in path[start:]]
    else:
        half = _LONGEST_CYCLE_SHOWN // 2
        ends = [manifest.crates[number].name for number in (*path[start : start + half], *path[-half:])]
        shown = [*ends[:half], f"({hidden:,} more)", *ends[half:]]
    return " -> ".join([*shown, shown[0]])


def _platforms(manifest: Manifest) -> Iterator[Problem]:
    of_any = {name for crate in manifest.crates for name in crate.platforms or manifest.fleet.platforms}
    for place, name in enumerate(manifest.fleet.required):
        if name not in of_any:
            yield Problem(("fleet", "required", place), f"{name} is not among the platforms of any crate")
    for index, crate in _crates(manifest):
        valid = VALID_FOR[crate.kind]
        why = WHY_NOT[crate.kind]
        for place, name in enumerate(crate.platforms or ()):
            if name not in valid:
                yield Problem(("crates", index, "platforms", place), f"{name} is not for this crate: {why}")
        for place, name in enumerate(crate.required or ()):
            if name not in (crate.platforms or manifest.fleet.platforms) or name not in valid:
                yield Problem(("crates", index, "required", place), f"{name} is not among this crate's platforms")
        if crate.platforms is None and not set(manifest.fleet.platforms) & set(valid):
            sentence = f"none of the fleet's platforms is for this crate ({why}); give it platforms of its own"
            yield Problem(("crates", index, "kind"), sentence)


def _repetitions(manifest: Manifest) -> Iterator[Problem]:
    lists: list[tuple[Loc, tuple[str, ...]]] = [
        (("fleet", "platforms"), manifest.fleet.platforms),
        (("fleet", "required"), manifest.fleet.required),
        (("fleet", "env"), manifest.fleet.env),
        (("fleet", "canaries"), manifest.fleet.canaries),
        (("fleet", "fetch_hosts"), _hosts(manifest.fleet.fetch_hosts)),
    ]
    for index, crate in _crates(manifest):
        lists.append((("crates", index, "depends_on"), crate.depends_on))
        lists.append((("crates", index, "platforms"), crate.platforms or ()))
        lists.append((("crates", index, "required"), crate.required or ()))
        lists.append((("crates", index, "env"), crate.env or ()))
        lists.append((("crates", index, "fetch_hosts"), _hosts(crate.fetch_hosts)))
    for loc, values in lists:
        first: dict[str, int] = {}
        for place, value in enumerate(values):
            if first.setdefault(value, place) != place:
                sentence = f"{quoted(value)} is in this list before; remove one"
                yield Problem((*loc, place), sentence, other=(*loc, first[value]))


def _hosts(setting: FetchHosts | None) -> tuple[str, ...]:
    return () if setting is None or isinstance(setting, str) else setting


def _registry_versions(manifest: Manifest) -> Iterator[Problem]:
    for index, crate in _crates(manifest):
        source = crate.source
        if isinstance(source, RegistrySource) and source.version != crate.version:
            sentence = f"{quoted(source.version)} is not the crate's version, {quoted(crate.version)}"
            yield Problem(("crates", index, "source", "version"), sentence, other=("crates", index, "version"))


def _secrets(manifest: Manifest) -> Iterator[Problem]:
    lists: list[tuple[Loc, tuple[str, ...]]] = [(("fleet",), manifest.fleet.env)]
    lists += [(("crates", index), crate.env or ()) for index, crate in _crates(manifest)]
    for loc, names in lists:
        for place, name in enumerate(names):
            if why := _why_not_passed(name):
                yield Problem((*loc, "env", place), f"{quoted(name)} never enters a sandbox: {why}")


def _why_not_passed(name: str) -> str | None:
    if _GITHUB_KEYS.fullmatch(name) or _E2B_KEYS.fullmatch(name):
        return "it is a key to the build itself"
    if _PUBLISHING_KEYS.fullmatch(name):
        return "it is a key to publish with, and what is built here is published from outside"
    if _STEERING.fullmatch(name):
        return "it steers the build itself; a crate's commands may set it"
    return None


def reserved(header: str) -> bool:
    """Whether a header is for HTTP or the E2B SDK to set, and for nobody else."""
    return _RESERVED_HEADERS.fullmatch(header) is not None


def references(value: str) -> tuple[str, ...]:
    """The environment variables that a header's value names as ${NAME}, in order."""
    return tuple(_REFERENCE.findall(value))


def filled(value: str, variables: Mapping[str, str]) -> str:
    """A header's value with the variables that it names in the place of ${NAME}; KeyError for one that is not there."""
    return _REFERENCE.sub(lambda found: variables[found[1]], value)


def _headers(manifest: Manifest) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, value in manifest.fleet.e2b.headers.items():
        loc: Loc = ("fleet", "e2b", "headers", name)
        if reserved(name):
            yield Problem(loc, f"{quoted(name)} is a header that HTTP or the E2B SDK sets itself; remove it")
        if (before := first.setdefault(name.lower(), name)) != name:
            sentence = f"{quoted(name)} differs only in case from another header; remove one"
            yield Problem(loc, sentence, other=("fleet", "e2b", "headers", before))
        for variable in references(value):
            if _GITHUB_KEYS.fullmatch(variable):
                yield Problem(loc, f"{quoted(variable)} never leaves this machine: it is a key to GitHub, not to E2B")
            elif _STEERING.fullmatch(variable):
                yield Problem(loc, f"{quoted(variable)} steers the build itself; name the variable otherwise")


def _schedule(manifest: Manifest) -> Iterator[Problem]:
    schedule = manifest.fleet.schedule
    if schedule is not None and (why := why_not_scheduled(schedule)):
        yield Problem(("fleet", "schedule"), f"GitHub does not take {quoted(schedule)}: {why}")
