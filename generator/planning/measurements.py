"""Measured times of earlier builds: what a report and the fleet index remember of each crate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from pydantic import Field

from generator.manifest.values import BackendName, CrateName, Size
from generator.strict import Strict, is_absent

MAX_MEASUREMENTS: Final = 5
"""Measurements that are kept of one crate: the last ones."""
MAX_SECONDS: Final = 604_800.0
"""Longest time that counts as measured: a week, far beyond the timeouts of all attempts."""
MIN_SECONDS: Final = 0.001


class Measurement(Strict):
    """The time of one successful build of a crate in its slot, with all attempts, on one backend.

    `size` is the size of the first sandbox, because the next build starts with the same. `peak_memory` is the highest
    one of all its sandboxes in bytes, None without a measurement.
    """

    seconds: float = Field(ge=MIN_SECONDS, le=MAX_SECONDS)
    size: Size
    backend: BackendName
    peak_memory: int | None = Field(default=None, ge=1, exclude_if=is_absent)

    @property
    def place(self) -> Place:
        """The backend and size that it was measured on."""
        return self.backend, self.size


Place = tuple[BackendName, Size]
"""A backend and a size of its sandboxes: times of one place are comparable."""

Measurements = Annotated[tuple[Measurement, ...], Field(max_length=MAX_MEASUREMENTS)]
"""The last measurements of one crate, oldest first."""

Memory = Mapping[CrateName, tuple[Measurement, ...]]
"""The last measurements of crates by name, oldest first."""


class Remembered(Strict):
    """A crate that a run did not build, with its measurements."""

    name: CrateName
    measurements: Measurements


def measured(seconds: float, size: Size, backend: BackendName, peak_memory: int = 0) -> Measurement:
    """Return the measurement of a build; a peak of 0 bytes was not measured."""
    bounded = min(max(round(seconds, 3), MIN_SECONDS), MAX_SECONDS)
    return Measurement(seconds=bounded, size=size, backend=backend, peak_memory=peak_memory or None)


def last_measurements(measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """Return as many of the last measurements as are kept."""
    return tuple(measurements)[-MAX_MEASUREMENTS:]
