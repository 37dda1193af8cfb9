"""Seccomp filter of the system calls that sandboxes are refused, built by the system's libseccomp for bubblewrap.

The library is called by ctypes, because the only binding on all platforms has had no release since January 2021.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import socket
from typing import Final

# Calls that share data with later sandboxes, use memory that no limit counts, or bypass the namespaces. Containers
# refuse most of them by default, so programs work without.
REFUSED_CALLS: Final = (
    *("keyctl", "add_key", "request_key"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("bpf", "perf_event_open", "userfaultfd", "syslog"),
    *("shmget", "msgget", "semget"),  # System V's memory belongs to no process, so no sample sees it
    "memfd_secret",  # files in memory whose size the kernel does not count
    "sched_setaffinity",  # would undo the sandbox's limit of CPUs
)
# Other socket families, such as those between a virtual machine and its host, belong to no network namespace.
ALLOWED_SOCKET_FAMILIES: Final = (
    socket.AF_UNIX,
    socket.AF_INET,
    socket.AF_INET6,
    16,
)  # the last is Linux's own, AF_NETLINK

# Missing in older versions of libseccomp. The number is the same on every architecture.
_NUMBERS: Final = {"memfd_secret": 447}

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000
_EQUAL, _GREATER = 4, 6


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


@functools.cache
def system_call_filter() -> bytes | None:
    """Return the filter as BPF program, or None without libseccomp.

    The filter kills programs of another architecture, because their system call numbers differ.
    """
    library = _library()
    if library is None:
        return None
    context = ctypes.c_void_p(library.seccomp_init(_ALLOW))
    try:
        for name in REFUSED_CALLS:
            _refuse(library, context, name, errno.EPERM)
        # Arguments have 64 bits: a number above the range must not pass by its lower half.
        for family in set(range(max(ALLOWED_SOCKET_FAMILIES))) - set(ALLOWED_SOCKET_FAMILIES):
            _refuse(library, context, "socket", errno.EAFNOSUPPORT, _Comparison(0, _EQUAL, family))
        _refuse(library, context, "socket", errno.EAFNOSUPPORT, _Comparison(0, _GREATER, max(ALLOWED_SOCKET_FAMILIES)))
        return _export(library, context)
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


def _export(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    descriptor = os.memfd_create("filter")
    with os.fdopen(descriptor, "rb") as file:
        result = library.seccomp_export_bpf(context, descriptor)
        if result < 0:
            raise OSError(-result, "libseccomp cannot write its filter")
        file.seek(0)
        return file.read()
