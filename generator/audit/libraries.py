"""Dynamic libraries that every machine of a platform has, and those that cause a note."""

from __future__ import annotations

import re
from typing import Final

# Libraries of glibc, and of the compiler, which Rust's standard library uses to unwind. The policy of Python's wheels
# (https://peps.python.org/pep-0600/) allows the same and more.
GLIBC: Final = frozenset(
    ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2",
     "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libgcc_s.so.1"]
)  # fmt: skip
# Alpine's name of musl's library, its own name, and the name of its loader.
MUSL: Final = frozenset(
    ["libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so", "ld-musl-x86_64.so.1", "ld-musl-aarch64.so.1",
     "libgcc_s.so.1"]
)  # fmt: skip
# Apple's libraries that are older than the oldest macOS of Rust; others come and go.
MACOS: Final = frozenset(
    ["/usr/lib/libSystem.B.dylib", "/usr/lib/libiconv.2.dylib", "/usr/lib/libresolv.9.dylib",
     "/usr/lib/libobjc.A.dylib", "/usr/lib/libc++.1.dylib"]
)  # fmt: skip
# Libraries in System32 of every Windows 10: imports of Rust's standard library and of common crates, and C's runtime.
WINDOWS: Final = frozenset(
    name if "." in name else f"{name}.dll"
    for name in (
        "advapi32", "bcrypt", "bcryptprimitives", "cfgmgr32", "combase", "comctl32", "comdlg32", "credui", "crypt32",
        "cryptbase", "cryptnet", "d3d11", "d3d12", "dbghelp", "dnsapi", "dwmapi", "dxgi", "fwpuclnt", "gdi32", "hid",
        "imm32", "iphlpapi", "kernel32", "kernelbase", "mpr", "mswsock", "msvcrt", "ncrypt", "netapi32", "normaliz",
        "ntdll", "ole32", "oleaut32", "opengl32", "pdh", "powrprof", "propsys", "psapi", "rpcrt4", "rstrtmgr",
        "schannel", "secur32", "setupapi", "shell32", "shlwapi", "sspicli", "ucrtbase", "user32", "userenv", "uxtheme",
        "version", "winhttp", "wininet", "winmm", "winspool.drv", "wintrust", "wldap32", "ws2_32", "wtsapi32",
    )
)  # fmt: skip

_CPP: Final = "Node.js itself needs it, but users of a program may lack it"
_REDISTRIBUTABLE: Final = "it comes with Microsoft's Visual C++ redistributable, not with Windows"
_APPLE: Final = "it is part of macOS, but old versions may lack it"

# Libraries that some machines lack but that are allowed, and the reason.
_ALLOWED: Final[dict[str, tuple[tuple[re.Pattern[str], str], ...]]] = {
    "linux": ((re.compile(r"libstdc\+\+\.so\.6"), _CPP),),
    "darwin": ((re.compile(r"/usr/lib/[^/]+\.dylib|/System/Library/Frameworks/.+"), _APPLE),),
    "win32": ((re.compile(r"(vcruntime140(_1)?|msvcp140(_\w+)?)\.dll"), _REDISTRIBUTABLE),),
}


def may_be_missing(library: str, os: str, libc: str | None) -> bool:
    """Return whether some machines of a system lack a library; `libc` is npm's name, for Linux only."""
    match os:
        case "linux":
            return library not in (MUSL if libc == "musl" else GLIBC)
        case "darwin":
            return library not in MACOS
        case _:
            return library.lower() not in WINDOWS and not re.fullmatch(r"(api|ext)-ms-[\w-]+\.dll", library.lower())


def allowed_reason(library: str, os: str) -> str | None:
    """Return the reason why a library that some machines lack is allowed, or None when it is not."""
    name = library.lower() if os == "win32" else library
    return next((reason for pattern, reason in _ALLOWED.get(os, ()) if pattern.fullmatch(name)), None)
