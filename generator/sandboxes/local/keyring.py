"""The kernel's keyrings: a sandbox must not possess its user's keys, nor leave keys for the next one."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
import threading
from typing import Final

# The kernel's number for keyctl, which C libraries do not wrap, and what is asked of it.
_KEYCTL: Final = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING: Final = 1
_CLEAR: Final = 7
_SESSION_KEYRING: Final = -3
# There are no keyrings, or whatever the runner itself runs in forbids them: then nothing below it has any.
_NONE: Final = (errno.ENOSYS, errno.EPERM)
_THREAD: Final = threading.local()


def use_empty_session_keyring() -> bool:
    """Give the calling thread, and what it starts from here on, a session keyring of its own, which is empty.

    Others of the runner's threads keep theirs. A thread's is emptied when it is asked for again, and not made anew: a
    user may have 200, and one that has ended keeps its own until somebody looks. False where there are no keyrings;
    OSError when there are too many.
    """
    number = _KEYCTL.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    # One that cannot be emptied was altered by what it was given to.
    if getattr(_THREAD, "has_own", False) and call(number, _CLEAR, _SESSION_KEYRING) == 0:
        return True
    if call(number, _JOIN_SESSION_KEYRING, None) >= 0:
        _THREAD.has_own = True
        return True
    code = ctypes.get_errno()
    if code in _NONE:
        return False
    raise OSError(code, f"no keyring of its own: {os.strerror(code)}")
