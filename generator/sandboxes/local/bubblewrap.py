"""Command-line arguments of bubblewrap: mounts, namespaces and environment variables of a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from generator.toolchain.mounts import Bind

# The user ID that a runner with root's rights switches to: the kernel would exempt root from limits. Distributions do
# not use this ID, and containers have it, because it is below 65,536: https://systemd.io/UIDS-GIDS/
UNPRIVILEGED_UID: Final = 65_533

# User and group inside every sandbox.
SANDBOX_UID: Final = 1_000

# Size of /dev/shm, the only writable file system in memory; containers have the same.
SHARED_MEMORY_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class IsolationSpec:
    """Mounts, symbolic links (path, target) and environment variables of an isolated command.

    `supported_options` are the options of this machine's bubblewrap: version 0.5 lacks some that newer ones have.
    `empty_directories` and `masked_files` hide what the mounts contain, and `masked_proc_files` hide files of /proc.
    """

    binds: tuple[Bind, ...]
    links: tuple[tuple[str, str], ...]
    supported_options: frozenset[str]
    env: Mapping[str, str] = field(default_factory=dict)
    empty_directories: tuple[str, ...] = ()
    masked_files: tuple[str, ...] = ()
    masked_proc_files: tuple[str, ...] = ()


def user_arguments(spec: IsolationSpec) -> list[str]:
    """Return the arguments of a single bubblewrap, for a runner without root's rights."""
    return [*_namespaces(spec), *_files(spec), *_kernel_files(spec), *_variables(spec)]


def root_arguments(spec: IsolationSpec) -> tuple[list[str], list[str]]:
    """Return the arguments of two nested bubblewraps, for a runner with root's rights.

    The outer one mounts the files as root. The command then switches to `UNPRIVILEGED_UID`, and the inner one creates
    the namespaces. The outer one needs a PID namespace too: it may not signal another user's processes when it dies,
    but the kernel kills all processes of its namespace. The inner one mounts a /proc of its own, which the kernel
    allows only when the host's complete /proc is already mounted.
    """
    outer = ["--unshare-pid", "--die-with-parent", *_files(spec), "--bind", "/proc", "/proc", "--dev", "/dev"]
    inner = [*_namespaces(spec), "--bind", "/", "/", *_kernel_files(spec), *_variables(spec)]
    return outer, inner


def _namespaces(spec: IsolationSpec) -> list[str]:
    return [
        *("--unshare-user", "--unshare-all"),
        *(("--disable-userns",) if "--disable-userns" in spec.supported_options else ()),
        *("--cap-drop", "ALL", "--uid", str(SANDBOX_UID), "--gid", str(SANDBOX_UID)),
        *("--hostname", "sandbox", "--die-with-parent", "--new-session"),
    ]


def _files(spec: IsolationSpec) -> list[str]:
    targets = (*(bind.target for bind in spec.binds), *(path for path, _ in spec.links))
    parents = {str(parent) for target in targets for parent in PurePosixPath(target).parents} - {"/"}
    parents.add("/tmp")  # noqa: S108  bubblewrap itself needs it, the inner one too
    return [
        *("--tmpfs", "/"),
        # bubblewrap would create them too, but without access for other users.
        *(word for parent in sorted(parents) for word in ("--perms", "0755", "--dir", parent)),
        *(
            word
            for bind in spec.binds
            for word in ("--bind" if bind.writable else "--ro-bind", bind.source, bind.target)
        ),
        *(word for path, target in spec.links for word in ("--symlink", target, path)),
        *(
            word
            for path in spec.empty_directories
            for word in ("--perms", "0755", "--tmpfs", path, "--remount-ro", path)
        ),
        *_mask(spec.masked_files),
    ]


def _mask(paths: Iterable[str]) -> list[str]:
    return [word for path in paths for word in ("--ro-bind", "/dev/null", path)]


def _kernel_files(spec: IsolationSpec) -> list[str]:
    """Return the arguments for /proc and /dev; file systems in memory are read-only, because no limit counts them."""
    size = ("--size", str(SHARED_MEMORY_BYTES)) if "--size" in spec.supported_options else ()
    return [
        *("--proc", "/proc", "--dev", "/dev", *_mask(spec.masked_proc_files)),
        *(*size, "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"),
    ]


def _variables(spec: IsolationSpec) -> list[str]:
    return ["--clearenv", *(word for name, value in spec.env.items() for word in ("--setenv", name, value))]
