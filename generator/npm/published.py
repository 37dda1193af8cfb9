"""package.json as its manager would publish it: protocols that only the repository knows become versions."""

from __future__ import annotations

from typing import Any

from generator.npm.files import PNPM_WORKSPACE, YARNRC, RepositoryFiles, strings, table
from generator.npm.projects import NpmProject
from generator.npm.workspaces import DEPENDENCY_TABLES, declared, workspace_name


def merged_package_json(project: NpmProject, files: RepositoryFiles) -> dict[str, Any]:
    """Return a package's package.json with the development dependencies of its workspace's root.

    `workspace:` and `catalog:` are replaced by the versions that they stand for.
    """
    own = dict(files.package_json(project.package))
    versions = _Versions(project, files)
    for key in DEPENDENCY_TABLES:
        if isinstance(own.get(key), dict):
            own[key] |= {name: versions.published(name, each) for name, each in strings(own, key).items()}
    if project.directory == project.package:
        return own
    root, named = files.package_json(project.directory), {name for name, _ in declared(own)}
    shared = {**strings(root, "dependencies"), **strings(root, "devDependencies")}
    extra = {name: versions.published(name, each) for name, each in shared.items() if name not in named}
    return {**own, "devDependencies": {**extra, **table(own, "devDependencies")}} if extra else own


class _Versions:
    """The versions of a workspace's members, and those in its catalogs."""

    def __init__(self, project: NpmProject, files: RepositoryFiles) -> None:
        self._members = {
            files.name(each): str(files.package_json(each).get("version", "0.0.0")) for each in project.directories
        }
        settings = [files.settings(project.directory, name) for name in (PNPM_WORKSPACE, YARNRC)]
        catalogs = [table(each, "catalogs") for each in settings]
        self._catalogs = {name: strings(every, name) for every in catalogs for name in every}
        # The default catalog has two places: pnpm allows either of them, and yarn both, under two names.
        top = {**strings(settings[1], "catalog"), **strings(settings[0], "catalog")}
        named = self._catalogs.get("default", {})
        self._catalogs |= {"": named | top, "default": top | named}

    def published(self, name: str, specifier: str) -> str:
        """Return the specifier that a registry's users understand."""
        protocol, _, rest = specifier.partition(":")
        if protocol == "catalog":
            return self._catalogs.get(rest, {}).get(name, specifier)
        if protocol != "workspace":
            return specifier
        target = workspace_name(name, specifier)
        version, wanted = self._members.get(target, "0.0.0"), rest.rpartition("@")[2]
        if wanted in ("", "*", "^", "~") or "/" in wanted:
            wanted = f"{wanted.strip('*') if '/' not in wanted else ''}{version}"
        return wanted if target == name else f"npm:{target}@{wanted}"
