"""The build environment of this machine."""

from __future__ import annotations

import platform as machine
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from generator.audit.rules import MinimumVersions
from generator.builds.environment import BuildEnvironment, Conditions
from generator.builds.observer import Observer
from generator.builds.run import RunContext
from generator.errors import InputError
from generator.files.user_cache import cache_directory
from generator.platforms import PlatformName, host_platform
from generator.sandboxes.contract import SIZES
from generator.sandboxes.local.backend import LocalBackend
from generator.sandboxes.local.isolation import probe_isolation
from generator.toolchain.host import HostToolchain, find_host_toolchain
from generator.toolchain.toolchain import Toolchain


@contextmanager
def local_environment(
    context: RunContext, stop: threading.Event, _observer: Observer, *, isolated: bool
) -> Iterator[BuildEnvironment]:
    """Open the build environment of this machine; a CratematrixError names missing tools or isolation."""
    host = local_host()
    if isolated and (problem := probe_isolation()):
        raise problem
    toolchain = find_host_toolchain(context.variables)
    backend = LocalBackend(toolchain, stop, isolated, cache_directory(context.variables), context.variables)
    yield BuildEnvironment(
        backend=backend,
        sizes=SIZES,
        conditions=_conditions(host, toolchain, isolated),
    )


def local_conditions(variables: Mapping[str, str]) -> Conditions:
    """Return the conditions of a build on this machine: with isolation where it has one."""
    return _conditions(local_host(), find_host_toolchain(variables), isolated=probe_isolation() is None)


def local_host() -> PlatformName:
    """Return the platform of this machine; InputError where local sandboxes cannot run."""
    if host := host_platform():
        return host
    raise InputError(
        "a local build needs Linux, or WSL on Windows, or macOS with --no-isolation",
        fix="run it there, or with --backend e2b",
    )


def local_toolchain(variables: Mapping[str, str]) -> Toolchain:
    """Return the toolchain of this machine; InputError names missing tools that every build needs."""
    return find_host_toolchain(variables).toolchain(local_host())


def _conditions(host: PlatformName, toolchain: HostToolchain, isolated: bool) -> Conditions:
    return Conditions(
        "local", toolchain.toolchain(host, isolated), toolchain.fingerprint, isolated, _minimum_versions()
    )


def _minimum_versions() -> MinimumVersions:
    """Return the host's glibc: the host's own compiler links against it."""
    name, version = machine.libc_ver()
    return MinimumVersions(glibc=version) if name == "glibc" else MinimumVersions()
