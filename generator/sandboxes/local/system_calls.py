"""Which system calls a sandbox is refused: libseccomp, the system's own, makes a filter for bubblewrap of them.

By ctypes, because the only binding that pip installs everywhere has had no release since January 2021.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import socket
from typing import Final

# What keeps things for whoever comes next, is counted nowhere, or reaches the host beside every namespace. Containers
# refuse most of them by default, so programs know how to do without.
REFUSED_CALLS: Final = (
    *("keyctl", "add_key", "request_key"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("bpf", "perf_event_open", "userfaultfd", "syslog"),
    *("shmget", "msgget", "semget"),  # System V's memory belongs to no process: nothing that samples would see it
    "memfd_secret",  # nor these files in memory, which the kernel counts as having no size
    "sched_setaffinity",  # would undo the sandbox's number of processors
)
# Other families of sockets, first of all a virtual machine's way to its host, belong to no network namespace.
ALLOWED_SOCKET_FAMILIES: Final = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)  # the last is Linux's own, AF_NETLINK

# Newer than a libseccomp that is still in use; such numbers are the same on every machine.
_NUMBERS: Final = {"memfd_secret": 447}

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000
_EQUAL, _GREATER = 4, 6


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


@functools.cache
def system_call_filter() -> bytes | None:
    """Return the filter as a program for the kernel, or None where there is no libseccomp.

    A program for another instruction set than the machine's own, which has other numbers for its calls, is killed.
    """
    library = _library()
    if library is None:
        return None
    context = ctypes.c_void_p(library.seccomp_init(_ALLOW))
    try:
        for name in REFUSED_CALLS:
            _refuse(library, context, name, errno.EPERM)
        # As the kernel counts arguments, in 64 bits, so that no number is another one in its lower half.
        for family in set(range(max(ALLOWED_SOCKET_FAMILIES))) - set(ALLOWED_SOCKET_FAMILIES):
            _refuse(library, context, "socket", errno.EAFNOSUPPORT, _Comparison(0, _EQUAL, family))
        _refuse(library, context, "socket", errno.EAFNOSUPPORT, _Comparison(0, _GREATER, max(ALLOWED_SOCKET_FAMILIES)))
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def _refuse(library: ctypes.CDLL, context: ctypes.c_void_p, name: str, code: int, *only: _Comparison) -> None:
    number = _NUMBERS.get(name) or library.seccomp_syscall_resolve_name(name.encode())
    action = ctypes.c_uint32(_REFUSE | code)
    given = (_Comparison * len(only))(*only)
    result = library.seccomp_rule_add_array(context, action, number, len(only), given)
    if result < 0:
        raise OSError(-result, f"libseccomp cannot refuse {name}")


def _exported(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    descriptor = os.memfd_create("filter")
    with os.fdopen(descriptor, "rb") as file:
        result = library.seccomp_export_bpf(context, descriptor)
        if result < 0:
            raise OSError(-result, "libseccomp cannot write its filter")
        file.seek(0)
        return file.read()
