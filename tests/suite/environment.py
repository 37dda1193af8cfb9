"""The suite's own variables, HOME, temporary directory, umask and signals, whatever the contributor has.

This is a plugin of pytest. It works before the first test module is imported, in each worker too.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from generator.errors import InputError
from generator.toolchain.host import find_host_toolchain

# They say where programs lie, or how this machine's network is trusted; all else is a contributor's own matter.
KEPT: Final = frozenset(
    {
        *(
            "PATH",
            "TMPDIR",
            "USER",
            "LOGNAME",
            "CI",
            "CROSS_TOOLCHAIN",
            "CROSS_RUNTIMES",
            "CHAOS_SEEDS",
            "FLEET_CRATES",
        ),
        *("RUSTUP_HOME", "PYENV_ROOT", "ASDF_DATA_DIR", "MISE_DATA_DIR", "VOLTA_HOME"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
        *("GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO", "PIP_CERT"),
    }
)
# What one run leaves for the next one: downloads, and tools that take minutes to build; where HOME shows it, and where
# it lies in the contributor's cache.
CACHES: Final = {".cargo": "cargo", ".npm": "npm", ".cache/cratematrix/tools": "cratematrix/tools"}
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGUSR1)
_TEMPORARY: Final = pytest.StashKey[Path]()


def variables(given: Mapping[str, str], home: Path, temporary: Path, real_e2b: bool) -> dict[str, str]:
    """Return the variables of all tests; pure."""
    kept = KEPT | ({"E2B_API_KEY"} if real_e2b else set())
    own = {name: value for name, value in given.items() if name in kept or name.startswith("PYTEST_")}
    own |= {"HOME": str(home), "TMPDIR": str(temporary), "LANG": "C.UTF-8", "TERM": "dumb"}
    # No git configuration but a repository's own, and no question that waits for somebody to answer it.
    own |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    return own


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set it all up: once for the run, and signals and umask in each process of it."""
    os.umask(0o022)
    for each in _SIGNALS:  # a shell's background job inherits an ignored SIGINT, and so would all that tests start
        if signal.getsignal(each) == signal.SIG_IGN:
            signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if hasattr(config, "workerinput"):  # a worker inherits all of it, and variables of the plugin that starts workers
        temporary = Path(os.environ["TMPDIR"]) / config.workerinput["workerid"]
        temporary.mkdir()
        _take(variables(os.environ, Path(os.environ["HOME"]), temporary, real_e2b=True))
        return
    temporary = Path(tempfile.mkdtemp(prefix="cratematrix-tests-")).resolve()
    home = _home(os.environ, temporary)
    own = variables(os.environ, home, temporary, config.getoption("real_e2b", False))
    # The contributor's HOME has the toolchain; other variables, such as NODE_OPTIONS, could keep it from being found.
    _take({**own, **_rustup({**own, "HOME": os.environ.get("HOME", str(home))})})
    config.stash[_TEMPORARY] = temporary


def _take(own: Mapping[str, str]) -> None:
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415  it sets LINES and COLUMNS behind Python's back, so let it do so now

    for name in ("LINES", "COLUMNS"):
        os.unsetenv(name)
    os.environ.clear()
    os.environ.update(own)
    tempfile.tempdir = None  # so that Python asks TMPDIR again


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the temporary directory."""
    if temporary := config.stash.get(_TEMPORARY, None):
        shutil.rmtree(temporary, ignore_errors=True)


def _home(environ: Mapping[str, str], temporary: Path) -> Path:
    """Make HOME, with nothing in it but links to caches: runs at the same time share no more than these."""
    cache = environ.get("XDG_CACHE_HOME") or f"{environ.get('HOME') or temporary}/.cache"
    home = temporary / "home"
    for name, kept in CACHES.items():
        place = Path(cache).absolute() / "cratematrix-suite" / kept
        place.mkdir(parents=True, exist_ok=True)
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(place)
    return home


def _rustup(environ: Mapping[str, str]) -> dict[str, str]:
    """Tell rustup's cargo, which looks in HOME only, where its toolchains lie."""
    try:
        toolchains = find_host_toolchain(environ).rust.parent
    except InputError:
        return {}
    return {"RUSTUP_HOME": str(toolchains.parent)} if toolchains.name == "toolchains" else {}
