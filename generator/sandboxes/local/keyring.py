"""Keyrings of the kernel: a sandbox must neither have its user's keys nor share keys with the next sandbox."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
import threading
from typing import Final

# The system call number of keyctl, which C libraries do not wrap, and its operations.
_KEYCTL: Final = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING: Final = 1
_CLEAR: Final = 7
_SESSION_KEYRING: Final = -3
# Errors of a kernel without keyrings, or of a container that forbids them to all its processes.
_UNAVAILABLE: Final = (errno.ENOSYS, errno.EPERM)
_THREAD: Final = threading.local()


def use_empty_session_keyring() -> bool:
    """Give the calling thread, and all that it starts later, an empty session keyring of its own.

    A later call in the same thread clears the keyring instead of creating another one: a user may have 200, and the
    kernel frees them late. False when keyrings are unavailable; OSError when there are too many.
    """
    number = _KEYCTL.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    # A keyring that cannot be cleared was altered by a sandbox, so a new one replaces it.
    if getattr(_THREAD, "has_own", False) and call(number, _CLEAR, _SESSION_KEYRING) == 0:
        return True
    if call(number, _JOIN_SESSION_KEYRING, None) >= 0:
        _THREAD.has_own = True
        return True
    code = ctypes.get_errno()
    if code in _UNAVAILABLE:
        return False
    raise OSError(code, f"no session keyring can be created: {os.strerror(code)}")
