"""Starting a command under bubblewrap on this machine, and saying why that is not possible."""

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
from generator.sandboxes.local.bubblewrap import INSIDE_ID, UNPRIVILEGED, View, root_arguments, user_arguments
from generator.sandboxes.local.keyring import leave_session_keyring
from generator.sandboxes.local.system_calls import system_call_filter
from generator.toolchain.mounts import SYSTEM_PATH, Bind

# What programs need of /etc: nothing that belongs to the host's users or services.
_ETC: Final = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d")
# Public certificates only: beside them lie private keys.
_CERTIFICATES: Final = (
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ca-certificates", "pki/ca-trust/extracted"),
    *("pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf"),
)
# What keys there are, whose, and how they are called.
_KEYS: Final = ("/proc/keys", "/proc/key-users")
_ROOT_LINKS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

WRITTEN: Final = {
    "passwd": f"builder:x:{INSIDE_ID}:{INSIDE_ID}::/build/home:/bin/bash\n",
    "group": f"builder:x:{INSIDE_ID}:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}

# (setting, value that forbids user namespaces, value that allows them): Ubuntu 24.04, old Debian, everywhere.
_SWITCHES: Final = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "15000"),
)

# For bubblewrap itself: nothing of the runner's environment reaches a sandbox by accident.
HOST_ENV: Final = {"PATH": ":".join(SYSTEM_PATH)}

_WITHOUT: Final = "or `--no-isolation`, which gives crates everything that you may read and write"


def is_root() -> bool:
    """Whether the runner is root, and a sandbox takes two steps.

    Never one step instead, not even where root has no other user to become: the kernel does not limit the number of
    root's processes, and then a fork bomb reaches the host.
    """
    return os.geteuid() == 0


def system_view() -> View:
    """Return the part of every view that is the same: the system's programs and libraries, and nothing else."""
    places = [Path("/") / name for name in _ROOT_LINKS]
    links = tuple((str(place), str(place.readlink())) for place in places if place.is_symlink())
    directories = [Path("/usr"), *(place for place in places if place.is_dir() and not place.is_symlink())]
    configuration = (Path("/etc") / name for name in (*_ETC, *_CERTIFICATES))
    return View(
        binds=tuple(Bind(str(place), str(place)) for place in (*directories, *configuration) if place.exists()),
        links=links,
        known=_known_options(),
        masked_proc=tuple(each for each in _KEYS if Path(each).exists()),
    )


@functools.cache
def _known_options() -> frozenset[str]:
    try:
        said = run(["bwrap", "--help"], timeout=30, env=HOST_ENV)
    except CratematrixError:
        return frozenset()
    return frozenset(re.findall(r"^ +(--[a-z-]+)", said.stdout.decode(errors="replace") + said.stderr, re.MULTILINE))


def write_etc(directory: Path) -> None:
    """Write the files of /etc that a sandbox has of its own."""
    directory.mkdir()
    for name, content in WRITTEN.items():
        (directory / name).write_text(content)
        (directory / name).chmod(0o644)  # whatever the runner's umask is


def etc_binds(directory: Path) -> tuple[Bind, ...]:
    """What `write_etc` has written, as a sandbox sees it."""
    return tuple(Bind(str(directory / name), f"/etc/{name}") for name in WRITTEN)


def steps(view: View) -> tuple[list[str], ...]:
    """Bubblewrap's options, once or twice: see `root_arguments`."""
    return root_arguments(view) if is_root() else (user_arguments(view),)


@contextmanager
def wrapped(options: Sequence[list[str]]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Offer the words that go before a program, by what `steps` said, and the descriptors to start it with.

    They are of a new session keyring, as is the calling thread from here on. ValueError for a variable with a NUL,
    which would be two words, the second of them an option.
    """
    leave_session_keyring()
    contents = [_arguments(step) for step in options]
    program = system_call_filter()
    descriptors = tuple(_in_memory(each) for each in (*contents, *((program,) if program else ())))
    try:
        named = [["--args", str(descriptor)] for descriptor in descriptors[: len(contents)]]
        if program:
            named[-1] += ["--seccomp", str(descriptors[-1])]
        yield _chain(named), descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _chain(options: Sequence[Sequence[str]]) -> list[str]:
    """Return the command line of one or two steps; between the two root is given up."""
    down = ("setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups", "--")
    words: list[str] = []
    for number, step in enumerate(options):
        words += [*(down if number else ()), "bwrap", *step, "--"]
    return words


def _arguments(words: list[str]) -> bytes:
    if any("\0" in word for word in words):
        raise ValueError("a variable holds a NUL")
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _in_memory(content: bytes) -> int:
    """Return a descriptor to read from: a command line could be read by every user of the machine."""
    descriptor = os.memfd_create("given")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def probe_isolation() -> CratematrixError | None:
    """Return why commands cannot be isolated on this machine, with what to do about it, or None if they can."""
    if sys.platform != "linux":
        return InputError(f"{sys.platform} has no bubblewrap: crates cannot be isolated", fix=_WITHOUT)
    try:
        with wrapped(steps(system_view())) as (words, descriptors):
            done = run([*words, "/bin/bash", "-c", ":"], timeout=30, env=HOST_ENV, pass_fds=descriptors)
    except InputError:
        return InputError(
            "bubblewrap, which isolates crates, is not installed", fix=f"apt-get install bubblewrap, {_WITHOUT}"
        )
    except CratematrixError as error:
        return Unavailable(f"bubblewrap cannot isolate crates: {error.message}", fix=_WITHOUT)
    if done.exit_code == 0:
        return None
    return Unavailable(
        f"bubblewrap cannot isolate crates here: {done.last_words[:300]}",
        fix=f"{way_out(Path('/proc/sys'))}, {_WITHOUT}",
    )


def way_out(settings: Path) -> str:
    """Return how to allow user namespaces, by what the kernel says in /proc/sys."""
    for name, blocking, value in _SWITCHES:
        setting = settings / name.replace(".", "/")
        if setting.exists() and setting.read_text().strip() == blocking:
            return f"sudo sysctl -w {name}={value}"
    return "allow user namespaces (in a container: run it with --privileged, or with its seccomp profile off)"
