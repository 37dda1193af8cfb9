"""Checks between the values of a valid manifest: a pure function from a manifest to its problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from generator.files.portable_names import name_problem
from generator.manifest.crate_models import Crate
from generator.manifest.dependency_cycles import check_cycles
from generator.manifest.environment_variables import header_variable_error, sandbox_variable_error
from generator.manifest.fleet_models import Fleet
from generator.manifest.headers import is_reserved_header, referenced_variables
from generator.manifest.models import Manifest
from generator.manifest.names import github_asset_name, platform_package, tarball_name, tarball_names
from generator.manifest.problems import Location, Problem
from generator.manifest.schedules import schedule_error
from generator.manifest.settings import npm_name, settings
from generator.manifest.source_models import RegistrySource
from generator.manifest.values import FetchHosts, NpmName
from generator.platforms import PLATFORMS_OF_KIND, UNSUPPORTED_REASONS
from generator.text import quoted

_NPM_NAME: Final = TypeAdapter[str](NpmName)
# Those that `require` finds without the prefix node: https://nodejs.org/api/modules.html#built-in-modules
_NODE_MODULES: Final = frozenset(
    ("assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
     "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module", "net",
     "os", "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream",
     "string_decoder", "sys", "timers", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "wasi",
     "worker_threads", "zlib")
)  # fmt: skip


def check_manifest(manifest: Manifest) -> tuple[Problem, ...]:
    """Return all problems between the values of a manifest, in the order of the checks."""
    checks = (
        _shared_names,
        _npm_names,
        _renamed_assets,
        _dependencies,
        check_cycles,
        _platforms,
        _repetitions,
        _registry_versions,
        _includes,
        _keys_of_kinds,
        _variables,
        _headers,
        _schedule,
        _workflows,
        _sessions,
        _jobs,
    )
    return tuple(problem for check in checks for problem in check(manifest))


def _crates(manifest: Manifest) -> Iterator[tuple[int, Crate]]:
    return enumerate(manifest.crates)


def _name_loc(index: int, crate: Crate) -> Location:
    """Return the location of the key that gives a crate its npm name."""
    return ("crates", index, "npm_name" if crate.npm_name else "name")


def _shared_names(manifest: Manifest) -> Iterator[Problem]:
    """Yield names that two crates share. Some file systems ignore case, so names that differ only in case are equal."""
    seen: dict[tuple[str, str], tuple[Location, str]] = {}
    for index, crate in _crates(manifest):
        names = _names(manifest.fleet, index, crate)
        clash = next(((what, name, loc) for what, name, loc in names if (what, name.lower()) in seen), None)
        if clash:
            what, name, loc = clash
            other, first = seen[what, name.lower()]
            verb = "is" if name == first else "differs only in case from"
            yield Problem(loc, f"the {what} {quoted(name)} {verb} that of another crate", other=other)
        for what, name, loc in names:
            seen.setdefault((what, name.lower()), (loc, name))


def _names(fleet: Fleet, index: int, crate: Crate) -> list[tuple[str, str, Location]]:
    """Return the names that only this crate may have, each before the names that derive from it.

    A library has no package. Packages for one platform count in both layouts, so that a fleet can change its layout.
    """
    own: list[tuple[str, str, Location]] = [("crate name", crate.name, ("crates", index, "name"))]
    if crate.kind == "lib":
        return own
    names, loc = settings(fleet, crate), _name_loc(index, crate)
    assets = tarball_names(crate, names, PLATFORMS_OF_KIND[crate.kind], "split")
    packages = [names.npm_name, *(platform_package(names.platform_packages, each) for each in assets.values() if each)]
    npm: list[tuple[str, str, Location]] = [("npm name", each, loc) for each in packages]
    return [*own, *npm, *(("release asset", github_asset_name(each), loc) for each in assets)]


def _npm_names(manifest: Manifest) -> Iterator[Problem]:
    for index, crate in _crates(manifest):
        name = npm_name(manifest.fleet, crate)
        if not _is_npm_name(name):
            sentence = f"{quoted(name)} is not a valid npm name, which is lower-case; give this crate an npm_name"
            yield Problem(("crates", index, "name"), sentence)
        elif crate.kind != "lib" and (error := _install_error(name)):
            sentence = f"{quoted(name)} cannot be installed everywhere: {error}; give this crate another npm_name"
            yield Problem(_name_loc(index, crate), sentence)


def _install_error(name: str) -> str | None:
    """Return why Node, npm or a file system cannot have a directory with a package's name, or None."""
    if name.rpartition("/")[2] in {"node_modules", "favicon.ico"}:
        return "npm reserves that name"
    if name in _NODE_MODULES:
        return "Node loads its own module of that name"
    return next(filter(None, map(name_problem, name.split("/"))), None)


def _is_npm_name(name: str) -> bool:
    try:
        _NPM_NAME.validate_python(name)
    except ValidationError:
        return False
    return True


def _renamed_assets(manifest: Manifest) -> Iterator[Problem]:
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
            loc: Location = ("crates", index, "depends_on", position)
            if name == crate.name:
                yield Problem(loc, f"{quoted(name)} depends on itself; remove it")
            elif name not in known:
                yield _unknown_crate(loc, name, known)
    for position, name in enumerate(manifest.fleet.canaries):
        if name not in known:
            yield _unknown_crate(("fleet", "canaries", position), name, known)


def _unknown_crate(loc: Location, name: str, known: Mapping[str, None]) -> Problem:
    return Problem(loc, f"{quoted(name)} is not a crate of this fleet", wrong=name, known=known)


def _platforms(manifest: Manifest) -> Iterator[Problem]:
    of_any = {name for crate in manifest.crates for name in crate.platforms or manifest.fleet.platforms}
    for place, name in enumerate(manifest.fleet.required):
        if name not in of_any:
            yield Problem(("fleet", "required", place), f"{name} is not among the platforms of any crate")
    for index, crate in _crates(manifest):
        valid = PLATFORMS_OF_KIND[crate.kind]
        reason = UNSUPPORTED_REASONS[crate.kind]
        for place, name in enumerate(crate.platforms or ()):
            if name not in valid:
                yield Problem(("crates", index, "platforms", place), f"{name} is not for this crate: {reason}")
        for place, name in enumerate(crate.required or ()):
            if name not in (crate.platforms or manifest.fleet.platforms) or name not in valid:
                yield Problem(("crates", index, "required", place), f"{name} is not among this crate's platforms")
        if crate.platforms is None and not set(manifest.fleet.platforms) & set(valid):
            sentence = f"none of the fleet's platforms is for this crate ({reason}); give it platforms of its own"
            yield Problem(("crates", index, "kind"), sentence)


def _repetitions(manifest: Manifest) -> Iterator[Problem]:
    lists: list[tuple[Location, tuple[str, ...]]] = [
        (("fleet", "platforms"), manifest.fleet.platforms),
        (("fleet", "required"), manifest.fleet.required),
        (("fleet", "env"), manifest.fleet.env),
        (("fleet", "canaries"), manifest.fleet.canaries),
        (("fleet", "fetch_hosts"), _hosts(manifest.fleet.fetch_hosts)),
    ]
    for index, crate in _crates(manifest):
        lists.append((("crates", index, "depends_on"), crate.depends_on))
        lists.append((("crates", index, "programs"), crate.programs or ()))
        lists.append((("crates", index, "platforms"), crate.platforms or ()))
        lists.append((("crates", index, "required"), crate.required or ()))
        lists.append((("crates", index, "env"), crate.env or ()))
        lists.append((("crates", index, "fetch_hosts"), _hosts(crate.fetch_hosts)))
    for loc, values in lists:
        first: dict[str, int] = {}
        for place, value in enumerate(values):
            if first.setdefault(value, place) != place:
                sentence = f"{quoted(value)} is in this list twice; remove one"
                yield Problem((*loc, place), sentence, other=(*loc, first[value]))


def _hosts(setting: FetchHosts | None) -> tuple[str, ...]:
    return () if setting is None or isinstance(setting, str) else setting


def _registry_versions(manifest: Manifest) -> Iterator[Problem]:
    for index, crate in _crates(manifest):
        source = crate.source
        if isinstance(source, RegistrySource) and source.version != crate.version:
            sentence = f"{quoted(source.version)} is not the crate's version, {quoted(crate.version)}"
            yield Problem(("crates", index, "source", "version"), sentence, other=("crates", index, "version"))


def _includes(manifest: Manifest) -> Iterator[Problem]:
    for index, crate in _crates(manifest):
        if crate.include and isinstance(crate.source, RegistrySource):
            sentence = "a published crate has all of its files: include is for sources with path or git; remove it"
            yield Problem(("crates", index, "include"), sentence)


def _keys_of_kinds(manifest: Manifest) -> Iterator[Problem]:
    for index, crate in _crates(manifest):
        source = crate.source
        if crate.kind != "napi" and not isinstance(source, RegistrySource) and source.package is not None:
            yield Problem(("crates", index, "source", "package"), "is for crates of kind napi alone; remove it")
        if crate.kind != "bin" and crate.programs is not None:
            yield Problem(("crates", index, "programs"), "is for crates of kind bin alone; remove it")


def _variables(manifest: Manifest) -> Iterator[Problem]:
    lists: list[tuple[Location, tuple[str, ...]]] = [(("fleet",), manifest.fleet.env)]
    lists += [(("crates", index), crate.env or ()) for index, crate in _crates(manifest)]
    for loc, names in lists:
        for place, name in enumerate(names):
            if error := sandbox_variable_error(name):
                yield Problem((*loc, "env", place), f"{quoted(name)} cannot be passed into a sandbox: {error}")


def _headers(manifest: Manifest) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, value in manifest.fleet.e2b.headers.items():
        loc: Location = ("fleet", "e2b", "headers", name)
        if is_reserved_header(name):
            yield Problem(loc, f"{quoted(name)} is a header that only HTTP or the E2B SDK sets; remove it")
        if (before := first.setdefault(name.lower(), name)) != name:
            sentence = f"{quoted(name)} differs only in case from another header; remove one"
            yield Problem(loc, sentence, other=("fleet", "e2b", "headers", before))
        for variable in referenced_variables(value):
            if error := header_variable_error(variable):
                yield Problem(loc, f"{quoted(variable)} {error}")


def _schedule(manifest: Manifest) -> Iterator[Problem]:
    schedule = manifest.fleet.schedule
    if schedule is not None and (error := schedule_error(schedule)):
        yield Problem(("fleet", "schedule"), f"GitHub does not accept {quoted(schedule)}: {error}")


def _workflows(manifest: Manifest) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for key, name in manifest.fleet.workflows.model_dump().items():
        if (before := first.setdefault(name.lower(), key)) != key:
            sentence = f"{quoted(name)} is already the name of the workflow {before}; choose another one"
            yield Problem(("fleet", "workflows", key), sentence, other=("fleet", "workflows", before))


def _sessions(manifest: Manifest) -> Iterator[Problem]:
    if manifest.fleet.backend == "e2b":
        yield from session_problems(manifest)


def session_problems(manifest: Manifest) -> Iterator[Problem]:
    """Yield the timeouts that no sandbox of E2B lives, with the plan that the fleet's limits belong to."""
    lives = manifest.fleet.limits.e2b_session_minutes
    timeouts: list[tuple[Location, float | None]] = [(("fleet",), manifest.fleet.timeout_minutes)]
    timeouts += [(("crates", index), crate.timeout_minutes) for index, crate in _crates(manifest)]
    for loc, minutes in timeouts:
        if minutes is not None and minutes > lives:
            sentence = (
                f"a sandbox of E2B's Hobby plan lives {lives:g} minutes; lower this timeout, or set "
                "fleet.limits to the e2b_sandboxes and e2b_creates_per_second of your plan"
            )
            yield Problem((*loc, "timeout_minutes"), sentence)


def _jobs(manifest: Manifest) -> Iterator[Problem]:
    fleet = manifest.fleet
    if fleet.jobs is not None and fleet.backend == "local":
        yield Problem(("fleet", "jobs"), "is for the backend e2b: a local crate builds on its job's runner; remove it")
    elif fleet.jobs is not None and fleet.jobs > fleet.slots:
        yield Problem(("fleet", "jobs"), f"more jobs than the {fleet.slots} slots would be idle; lower it")
