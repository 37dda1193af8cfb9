"""The machine itself as the place where crates are built."""

from __future__ import annotations

import platform as machine
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from generator.audit.rules import MinimumVersions
from generator.builds.environment import BuildEnvironment
from generator.builds.observer import Observer
from generator.builds.run import RunContext
from generator.errors import InputError
from generator.files.user_cache import cache_directory
from generator.platforms import PlatformName, host_platform
from generator.sandboxes.contract import SIZES
from generator.sandboxes.local.backend import LocalBackend
from generator.sandboxes.local.isolation import probe_isolation
from generator.toolchain.host import find_host_toolchain


@contextmanager
def local_environment(
    place: RunContext, stop: threading.Event, _observer: Observer, *, isolated: bool
) -> Iterator[BuildEnvironment]:
    """Offer this machine; InputError when something that building needs is not there."""
    host = local_host()
    if isolated and (problem := probe_isolation()):
        raise problem
    toolchain = find_host_toolchain(place.environment)
    backend = LocalBackend(toolchain, stop, isolated, cache_directory(place.environment), place.environment)
    yield BuildEnvironment(
        backend=backend,
        sizes=SIZES,
        toolchain=toolchain.toolchain(host, isolated),
        fingerprint=toolchain.fingerprint,
        isolated=isolated,
        minimum_versions=_oldest(),
    )


def local_host() -> PlatformName:
    """Return the platform of this machine; InputError where there are no local sandboxes."""
    if host := host_platform():
        return host
    raise InputError("local sandboxes need Linux or macOS", fix="run it in WSL, or with --backend e2b")


def _oldest() -> MinimumVersions:
    """The host's own compiler links against the host's own glibc: nothing older is promised."""
    name, version = machine.libc_ver()
    return MinimumVersions(glibc=version) if name == "glibc" else MinimumVersions()
