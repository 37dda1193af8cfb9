"""What bubblewrap is told: which files, namespaces and variables a command gets. Pure; nothing is started here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from generator.toolchain.mounts import Bind

# Crate code never runs as root of the host, where the kernel would exempt it from limits: the runner's own root
# steps down to this number first. Unused by distributions, and below 65,536, so that it exists in containers too:
# https://systemd.io/UIDS-GIDS/
UNPRIVILEGED: Final = 65_533

# Inside, every sandbox is this user and group.
INSIDE_ID: Final = 1_000

# The one place in memory where a sandbox can write files, sized as containers do.
SHARED_MEMORY_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class View:
    """What a command sees: directories of the host, symbolic links (path, target) and variables; never the network.

    `known` are the options that this machine's bubblewrap has; some that are used came after version 0.5. Inside,
    directories of what is bound that are `empty`, and files that are `masked`, hold nothing; `masked_proc` are /proc's.
    """

    binds: tuple[Bind, ...]
    links: tuple[tuple[str, str], ...]
    known: frozenset[str]
    env: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    masked_proc: tuple[str, ...] = ()


def user_arguments(view: View) -> list[str]:
    """Everything in one step, for a runner that is an ordinary user."""
    return [*_namespaces(view), *_files(view), *_kernel_files(view), *_variables(view)]


def root_arguments(view: View) -> tuple[list[str], list[str]]:
    """Two steps, for a runner that is root: the first has root's reach to mount what the second can only look at.

    Between the two, the command becomes `UNPRIVILEGED`, whose reach ends at what the first step has mounted. The
    first needs a process namespace too: its own process may not send the other user a signal when it dies, but the
    kernel ends whatever is in the namespace. The second mounts its own /proc, which the kernel grants only where an
    unobstructed one, the host's, is already there.
    """
    outer = ["--unshare-pid", "--die-with-parent", *_files(view), "--bind", "/proc", "/proc", "--dev", "/dev"]
    inner = [*_namespaces(view), "--bind", "/", "/", *_kernel_files(view), *_variables(view)]
    return outer, inner


def _namespaces(view: View) -> list[str]:
    return [
        *("--unshare-user", "--unshare-all"),
        *(("--disable-userns",) if "--disable-userns" in view.known else ()),
        *("--cap-drop", "ALL", "--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID)),
        *("--hostname", "sandbox", "--die-with-parent", "--new-session"),
    ]


def _files(view: View) -> list[str]:
    places = (*(bind.target for bind in view.binds), *(path for path, _ in view.links))
    above = {str(parent) for place in places for parent in PurePosixPath(place).parents} - {"/"}
    above.add("/tmp")  # noqa: S108  bubblewrap itself needs one, in the second of two steps too
    return [
        *("--tmpfs", "/"),
        # bubblewrap would make them too, but closed to everybody except who runs it.
        *(word for parent in sorted(above) for word in ("--perms", "0755", "--dir", parent)),
        *(
            word
            for bind in view.binds
            for word in ("--bind" if bind.writable else "--ro-bind", bind.source, bind.target)
        ),
        *(word for path, target in view.links for word in ("--symlink", target, path)),
        *(word for path in view.empty for word in ("--perms", "0755", "--tmpfs", path, "--remount-ro", path)),
        *_masks(view.masked),
    ]


def _masks(paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in ("--ro-bind", "/dev/null", path)]


def _kernel_files(view: View) -> list[str]:
    """A /proc and a /dev of its own; what is in memory is closed for writing, or it would escape every limit."""
    size = ("--size", str(SHARED_MEMORY_BYTES)) if "--size" in view.known else ()
    return [
        *("--proc", "/proc", "--dev", "/dev", *_masks(view.masked_proc)),
        *(*size, "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"),
    ]


def _variables(view: View) -> list[str]:
    return ["--clearenv", *(word for name, value in view.env.items() for word in ("--setenv", name, value))]
