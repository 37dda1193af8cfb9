"""Predicted minutes of each crate: from measurements of the crate itself, else from those of similar crates.

Pure functions of the manifest and of measurements. Several runs count by their median, so that one slow runner or one
lost sandbox does not move the prediction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from statistics import median
from typing import Final, NamedTuple

from pydantic import Field

from generator.manifest.crate_models import Crate
from generator.manifest.models import Manifest
from generator.manifest.values import BackendName, CrateName, Size
from generator.planning.measurements import Measurement, Measurements, Memory, Place
from generator.planning.sizes import NO_SIZES, SizeMemory, choose_sizes
from generator.platforms import Kind
from generator.strict import Sentence, Strict, is_absent
from generator.text import counted

ESTIMATE: Final = "expected_minutes"
"""The basis where nothing is known: the manifest's own estimate."""

# Of minutes: less than a millisecond, so that builds of a second are predicted well too.
_DIGITS: Final = 5


class Prediction(Strict):
    """The predicted minutes of a crate in its slot. `basis` says what they come from.

    `measurements` are those of the crate itself. Its next build adds one. `size` is that of its sandbox where the
    manifest does not name it, and `size_basis` says why. A crate that did not change since the builds of
    `unchanged_since` takes no minutes.
    """

    crate: CrateName
    minutes: float = Field(ge=0)
    basis: Sentence
    measurements: Measurements = ()
    size: Size | None = Field(default=None, exclude_if=is_absent)
    size_basis: Sentence | None = Field(default=None, exclude_if=is_absent)
    unchanged_since: Sentence | None = Field(default=None, exclude_if=is_absent)


def predict(
    manifest: Manifest, memory: Memory, backend: BackendName, sizes: SizeMemory = NO_SIZES
) -> tuple[Prediction, ...]:
    """Return the prediction for each crate of the manifest on a backend, sorted by name.

    A crate that was measured on the same backend and size takes the median of its runs. One that was only measured
    elsewhere takes its median there, scaled by the median ratio of the crates that were measured in both places. A
    crate without measurements takes the median of its kind, of those that share a dependency with it if there are any.
    `sizes` are the backend's, from which `size: auto` chooses.
    """
    chosen = choose_sizes(manifest, memory, backend, sizes)
    crates = sorted(manifest.crates, key=lambda crate: crate.name)
    measured = {crate.name: _by_place(memory.get(crate.name, ())) for crate in crates}
    ratios = _Ratios(measured.values())
    own = {
        crate.name: _own(found, (backend, chosen[crate.name].size), ratios)
        for crate in crates
        if (found := measured[crate.name])
    }
    similar = _Similar(crates, own)
    predictions = []
    for crate in crates:
        minutes, basis = own.get(crate.name) or similar.to(crate) or _Estimate(crate.expected_minutes, ESTIMATE)
        kept = tuple(memory.get(crate.name, ()))
        size, why = chosen[crate.name]
        predictions.append(
            Prediction(
                crate=crate.name,
                minutes=minutes,
                basis=basis,
                measurements=kept,
                size=size if why else None,
                size_basis=why,
            )
        )
    return tuple(predictions)


def with_unchanged(predictions: Iterable[Prediction], unchanged: Mapping[str, str]) -> tuple[Prediction, ...]:
    """Let unchanged crates take no minutes; each name has the builds since which its crate did not change."""
    return tuple(
        each.model_copy(update={"minutes": 0.0, "basis": f"unchanged since {since}", "unchanged_since": since})
        if (since := unchanged.get(each.crate))
        else each
        for each in predictions
    )


class _Estimate(NamedTuple):
    minutes: float
    basis: str


class _Runs(NamedTuple):
    """The runs of a crate in one place: their median in seconds, and their number."""

    seconds: float
    number: int

    def __str__(self) -> str:
        return "1 run" if self.number == 1 else f"median of {self.number} runs"


def _by_place(measurements: Iterable[Measurement]) -> dict[Place, _Runs]:
    """Return the runs in each place, the place of the last run first."""
    places: dict[Place, list[float]] = {}
    for each in reversed(tuple(measurements)):
        places.setdefault(each.place, []).append(each.seconds)
    return {place: _Runs(median(seconds), len(seconds)) for place, seconds in places.items()}


class _Ratios:
    """The times of one place relative to another, from the crates that were measured in both."""

    def __init__(self, measured: Collection[Mapping[Place, _Runs]]) -> None:
        self._measured = [places for places in measured if len(places) > 1]
        self._known: dict[tuple[Place, Place], list[float]] = {}

    def of(self, there: Place, here: Place) -> list[float]:
        """Return the ratio of each crate that was measured in both."""
        if (there, here) not in self._known:
            both = (places for places in self._measured if there in places and here in places)
            self._known[there, here] = [places[here].seconds / places[there].seconds for places in both]
        return self._known[there, here]


def _own(measured: Mapping[Place, _Runs], here: Place, ratios: _Ratios) -> _Estimate:
    """Return the estimate for a measured crate: from this place, else from the place that compares best with it."""
    if here in measured:
        return _minutes(measured[here].seconds, str(measured[here]))
    # Of equal places, max takes the first, where the last run was.
    there = max(measured, key=lambda place: len(ratios.of(place, here)))
    runs, found = measured[there], ratios.of(there, here)
    backend, size = there
    basis = f"{runs} at {backend}, size {size}"
    if not found:
        return _minutes(runs.seconds, basis)
    return _minutes(runs.seconds * median(found), f"{basis}, scaled by {counted(len(found), 'crate')}")


class _Similar:
    """The measured crates by kind, and by kind and dependency."""

    def __init__(self, crates: Iterable[Crate], own: Mapping[str, _Estimate]) -> None:
        self._minutes = {name: estimate.minutes for name, estimate in own.items()}
        self._groups: dict[tuple[Kind, str | None], set[str]] = {}
        self._known: dict[tuple[Kind, frozenset[str]], _Estimate | None] = {}
        for crate in crates:
            if crate.name in own:
                for dependency in (None, *crate.depends_on):
                    self._groups.setdefault((crate.kind, dependency), set()).add(crate.name)

    def to(self, crate: Crate) -> _Estimate | None:
        """Return the estimate for a crate that was never measured, or None if its kind was not either."""
        return self._estimate(crate.kind, frozenset(crate.depends_on)) or self._estimate(crate.kind, frozenset())

    def _estimate(self, kind: Kind, dependencies: frozenset[str]) -> _Estimate | None:
        """Return the median of the crates that share one of these dependencies, or of all without dependencies."""
        if (kind, dependencies) not in self._known:
            groups = (self._groups.get((kind, name), ()) for name in dependencies or (None,))
            self._known[kind, dependencies] = self._median(kind, set[str]().union(*groups), bool(dependencies))
        return self._known[kind, dependencies]

    def _median(self, kind: Kind, names: set[str], related: bool) -> _Estimate | None:
        if not names:
            return None
        basis = f"like {counted(len(names), 'crate')} of kind {kind}"
        minutes = median(self._minutes[name] for name in names)
        return _Estimate(round(minutes, _DIGITS), f"{basis} with a common dependency" if related else basis)


def _minutes(seconds: float, basis: str) -> _Estimate:
    return _Estimate(round(seconds / 60, _DIGITS), basis)
