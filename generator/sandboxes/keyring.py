"""The kernel's keyrings: a sandbox must not possess its user's keys, nor leave keys for the next one."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from typing import Final

# The kernel's number for keyctl, which C libraries do not wrap, and its first argument for a new session keyring.
_KEYCTL: Final = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING: Final = 1
# There are no keyrings, or whatever the runner itself runs in forbids them: then nothing below it has any.
_NONE: Final = (errno.ENOSYS, errno.EPERM)


def leave_session_keyring() -> bool:
    """Give the calling thread, and what it starts from here on, a session keyring of its own, which is empty.

    Others of the runner's threads keep the user's. False where there are no keyrings; OSError when there are too many.
    """
    number = _KEYCTL.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return False
    if ctypes.CDLL(None, use_errno=True).syscall(number, _JOIN_SESSION_KEYRING, None) >= 0:
        return True
    code = ctypes.get_errno()
    if code in _NONE:
        return False
    raise OSError(code, f"no keyring of its own: {os.strerror(code)}")
