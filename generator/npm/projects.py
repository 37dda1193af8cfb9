"""The npm project of a package: the manager that installs its dependencies, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from generator.cargo.directories import ancestors
from generator.npm.files import LOCK_FILES, PACKAGE_JSON, PNPM_WORKSPACE, YARN_LOCK, YARNRC, RepositoryFiles, join
from generator.npm.managers import Manager, NamedManager, Program, locks_of, manager_of, named_manager, program_of
from generator.npm.workspaces import declared, members, workspace_root

# yarn's linkers that make node_modules, where napi's command line and Node itself look.
_LINKERS: Final = ("node-modules", "pnpm")


@dataclass(frozen=True)
class NpmProject:
    """The installation of a package's dependencies.

    `package` is the directory of its package.json, and `directory` the one that the manager installs in: the
    workspace's root, or the package's own. Both are from the repository's top. `program` is None for the machine's own
    npm. `lock` is the name of the lock file in `directory`, or None. `members` are the directories of the workspace's
    other packages. `plug_and_play` is True if yarn would make no node_modules by its own settings.
    """

    package: str
    directory: str
    manager: Manager
    program: Program | None = None
    lock: str | None = None
    members: tuple[str, ...] = ()
    plug_and_play: bool = False

    @property
    def directories(self) -> tuple[str, ...]:
        """The directories whose package.json the manager reads."""
        return tuple(dict.fromkeys((self.package, self.directory, *self.members)))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        found = []
        if self.lock is None:
            where = join(self.directory, PACKAGE_JSON)
            found.append(f"{where} has no lock file, so {self.command} installs the newest versions that it allows")
        if self.plug_and_play:
            found.append("yarn installs into node_modules here: addons are not built with Plug'n'Play")
        return tuple(found)

    @property
    def command(self) -> str:
        """The manager's command."""
        return self.program.command if self.program else "npm"

    @property
    def program_name(self) -> str:
        """The manager and its version, for messages."""
        return f"{self.command} {self.program.version}" if self.program else "npm"

    @property
    def sentence(self) -> str:
        """The manager, its version and the lock file, for messages."""
        by = f"by {join(self.directory, self.lock)}" if self.lock else "without a lock file"
        return f"{self.program_name} installs its npm packages {by}"


def npm_project(package: str, files: RepositoryFiles) -> NpmProject:
    """Return the project of the package.json in a directory.

    packageManager decides where its lock file exists, then the lock file that exists, then settings of pnpm and yarn.
    InputError when the named version is too old.
    """
    directory = _install_directory(package, files)
    locks = [name for name in LOCK_FILES if files.has(directory, name)]
    named = _named(directory, package, files)
    own = locks_of(named.manager) if named else ()
    lock = next((name for name in locks if name in own), locks[0] if locks else None)
    text = (files.text(directory, lock) or "") if lock else ""
    manager = _manager(directory, files, named, lock, text)
    settings = files.settings(directory, YARNRC)
    return NpmProject(
        package,
        directory,
        manager,
        program_of(manager, named, text, files.text(directory, YARNRC) or ""),
        lock,
        tuple(each for each in members(directory, files) if each != package),
        plug_and_play=manager == "yarn" and settings.get("nodeLinker") not in _LINKERS,
    )


def _manager(
    directory: str, files: RepositoryFiles, named: NamedManager | None, lock: str | None, text: str
) -> Manager:
    if named is not None and (lock is None or lock in locks_of(named.manager)):
        # A version that is no number, such as "latest", says nothing of yarn's generation.
        return manager_of(lock, text) if lock == YARN_LOCK and named.version is None else named.manager
    if lock is not None:
        return manager_of(lock, text)
    if files.has(directory, PNPM_WORKSPACE):
        return "pnpm"
    return "yarn" if files.has(directory, YARNRC) else "npm"


def _named(directory: str, package: str, files: RepositoryFiles) -> NamedManager | None:
    """Return the manager that the install directory's package.json names, else the package's own."""
    for each in dict.fromkeys((directory, package)):
        if found := named_manager(files.package_json(each), join(each, PACKAGE_JSON)):
            return found
    return None


def _install_directory(package: str, files: RepositoryFiles) -> str:
    """Return the workspace's root, unless only the package itself has a lock file.

    A package without dependencies uses those of the nearest directory above that has a lock file: Node.js and npm find
    them there.
    """
    root = workspace_root(package, files)
    if root is not None and (_has_lock(root, files) or not _has_lock(package, files)):
        return root
    if not _has_lock(package, files) and not any(declared(files.package_json(package))):
        above = (each for each in ancestors(package) if files.has(each, PACKAGE_JSON) and _has_lock(each, files))
        return next(above, package)
    return package


def _has_lock(directory: str, files: RepositoryFiles) -> bool:
    return any(files.has(directory, name) for name in LOCK_FILES)
