"""Isolation of commands by bubblewrap on this machine, and the reason when that is impossible."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError, InputError, Unavailable
from generator.processes import run
from generator.sandboxes.layout import HOME, ROOT
from generator.sandboxes.local.bubblewrap import (
    SANDBOX_UID,
    UNPRIVILEGED_UID,
    IsolationSpec,
    root_arguments,
    user_arguments,
)
from generator.sandboxes.local.keyring import use_empty_session_keyring
from generator.sandboxes.local.system_calls import system_call_filter
from generator.toolchain.mounts import SYSTEM_PATH, Bind

# Files of /etc that programs need; none belongs to the host's users or services.
_ETC_PATHS: Final = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d")
# Public certificates only: their parent directories contain private keys.
_CERTIFICATES: Final = (
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ca-certificates", "pki/ca-trust/extracted"),
    *("pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf"),
)
# Owners and names of all keys in the kernel.
_KEY_LISTS: Final = ("/proc/keys", "/proc/key-users")
_ROOT_LINKS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

ETC_FILES: Final = {
    "passwd": f"builder:x:{SANDBOX_UID}:{SANDBOX_UID}::{ROOT}/{HOME}:/bin/bash\n",
    "group": f"builder:x:{SANDBOX_UID}:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}

# (setting, value that forbids user namespaces, value that allows them): of Ubuntu 24.04, of old Debian, of all.
_NAMESPACE_SETTINGS: Final = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "15000"),
)

# Environment of bubblewrap itself. The runner's own environment must not reach a sandbox.
HOST_ENV: Final = {"PATH": ":".join(SYSTEM_PATH)}

_NO_ISOLATION: Final = "or `--no-isolation`, which lets crates read and write all that you can"


def is_root() -> bool:
    """Return True if the runner is root, so that isolation needs two nested bubblewraps.

    One is never enough for root: the kernel does not limit the number of root's processes, so a fork bomb would reach
    the host.
    """
    return os.geteuid() == 0


def system_spec() -> IsolationSpec:
    """Return the common part of all specs: the system's programs and libraries."""
    paths = [Path("/") / name for name in _ROOT_LINKS]
    links = tuple((str(path), str(path.readlink())) for path in paths if path.is_symlink())
    directories = [Path("/usr"), *(path for path in paths if path.is_dir() and not path.is_symlink())]
    configuration = (Path("/etc") / name for name in (*_ETC_PATHS, *_CERTIFICATES))
    return IsolationSpec(
        binds=tuple(Bind(str(path), str(path)) for path in (*directories, *configuration) if path.exists()),
        links=links,
        supported_options=_supported_options(),
        masked_proc_files=tuple(each for each in _KEY_LISTS if Path(each).exists()),
    )


@functools.cache
def _supported_options() -> frozenset[str]:
    try:
        result = run(["bwrap", "--help"], timeout=30, env=HOST_ENV)
    except CratematrixError:
        return frozenset()
    printed = result.stdout.decode(errors="replace") + result.stderr
    return frozenset(re.findall(r"^ +(--[a-z-]+)", printed, re.MULTILINE))


def write_etc(directory: Path) -> None:
    """Write the sandbox's own files of /etc."""
    directory.mkdir()
    for name, content in ETC_FILES.items():
        (directory / name).write_text(content)
        (directory / name).chmod(0o644)  # independent of the runner's umask


def etc_binds(directory: Path) -> tuple[Bind, ...]:
    """Return the bind mounts of the files of `write_etc`."""
    return tuple(Bind(str(directory / name), f"/etc/{name}") for name in ETC_FILES)


def bubblewrap_arguments(spec: IsolationSpec) -> tuple[list[str], ...]:
    """Return the arguments of one bubblewrap, or of two nested ones for root: see `root_arguments`."""
    return root_arguments(spec) if is_root() else (user_arguments(spec),)


@contextmanager
def bubblewrap_command(arguments: Sequence[list[str]]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Yield the command-line prefix for a program, and the file descriptors that it must inherit.

    The calling thread gets an empty session keyring. ValueError for an environment variable with a NUL, which would
    smuggle an option in.
    """
    use_empty_session_keyring()
    contents = [_joined(each) for each in arguments]
    seccomp = system_call_filter()
    descriptors = tuple(_memory_file(each) for each in (*contents, *((seccomp,) if seccomp else ())))
    try:
        options = [["--args", str(descriptor)] for descriptor in descriptors[: len(contents)]]
        if seccomp:
            options[-1] += ["--seccomp", str(descriptors[-1])]
        yield _nested(options), descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _nested(options: Sequence[Sequence[str]]) -> list[str]:
    """Return the command line of one bubblewrap, or of two with a change of user between them."""
    change_user = ("setpriv", f"--reuid={UNPRIVILEGED_UID}", f"--regid={UNPRIVILEGED_UID}", "--clear-groups", "--")
    argv: list[str] = []
    for number, each in enumerate(options):
        argv += [*(change_user if number else ()), "bwrap", *each, "--"]
    return argv


def _joined(arguments: list[str]) -> bytes:
    if any("\0" in each for each in arguments):
        raise ValueError("a variable holds a NUL")
    return b"".join(os.fsencode(each) + b"\0" for each in arguments)


def _memory_file(content: bytes) -> int:
    """Return a descriptor of a file in memory; a command line would be readable for every user of the machine."""
    descriptor = os.memfd_create("arguments")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def probe_isolation() -> CratematrixError | None:
    """Return the reason why commands cannot be isolated on this machine, with a fix, or None when they can."""
    if sys.platform != "linux":
        return InputError(f"{sys.platform} has no bubblewrap: crates cannot be isolated", fix=_NO_ISOLATION)
    try:
        with bubblewrap_command(bubblewrap_arguments(system_spec())) as (bubblewrap, descriptors):
            result = run([*bubblewrap, "/bin/bash", "-c", ":"], timeout=30, env=HOST_ENV, pass_fds=descriptors)
    except InputError:
        return InputError(
            "bubblewrap, which isolates crates, is not installed", fix=f"apt-get install bubblewrap, {_NO_ISOLATION}"
        )
    except CratematrixError as error:
        return Unavailable(f"bubblewrap cannot isolate crates: {error.message}", fix=_NO_ISOLATION)
    if result.exit_code == 0:
        return None
    return Unavailable(
        f"bubblewrap cannot isolate crates here: {result.last_line[:300]}",
        fix=f"{user_namespace_fix(Path('/proc/sys'))}, {_NO_ISOLATION}",
    )


def user_namespace_fix(settings: Path) -> str:
    """Return the command that allows user namespaces, by the kernel's settings in /proc/sys."""
    for name, blocking, value in _NAMESPACE_SETTINGS:
        setting = settings / name.replace(".", "/")
        if setting.exists() and setting.read_text().strip() == blocking:
            return f"sudo sysctl -w {name}={value}"
    return "allow user namespaces (in a container: run it with --privileged, or with its seccomp profile off)"
