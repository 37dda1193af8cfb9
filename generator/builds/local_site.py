"""The machine itself as the place where crates are built."""

from __future__ import annotations

import platform as machine
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from generator.audit.rules import Oldest
from generator.builds.observer import Observer
from generator.builds.run import Place
from generator.builds.site import Site
from generator.errors import InputError
from generator.files import cache_directory
from generator.platforms import PlatformName, host_platform
from generator.sandboxes.isolation import probe_isolation
from generator.sandboxes.local import LocalBackend
from generator.sandboxes.sandbox import SIZES
from generator.sandboxes.toolchain import find_toolchain


@contextmanager
def local_site(place: Place, stop: threading.Event, _observer: Observer, *, isolated: bool) -> Iterator[Site]:
    """Offer this machine; InputError when something that building needs is not there."""
    host = local_host()
    if isolated and (problem := probe_isolation()):
        raise problem
    toolchain = find_toolchain(place.environment)
    backend = LocalBackend(toolchain, stop, isolated, cache_directory(place.environment), place.environment)
    yield Site(
        backend=backend,
        sizes=SIZES,
        equipment=toolchain.equipment(host, isolated),
        fingerprint=toolchain.fingerprint,
        isolated=isolated,
        oldest=_oldest(),
    )


def local_host() -> PlatformName:
    """Return the platform of this machine; InputError where there are no local sandboxes."""
    if host := host_platform():
        return host
    raise InputError("local sandboxes need Linux or macOS", fix="run it in WSL, or with --backend e2b")


def _oldest() -> Oldest:
    """The host's own compiler links against the host's own glibc: nothing older is promised."""
    name, version = machine.libc_ver()
    return Oldest(glibc=version) if name == "glibc" else Oldest()
