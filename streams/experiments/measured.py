"""What is measured at the moment: which experiments run, and their metrics. Whoever knows it hands it over;
by default nothing is measured, which costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from model.errors import SettingsError
from streams.experiments import quantities as q
from streams.experiments.declared.experiment import METRICS_MOST
from streams.experiments.metric import Metric

FOR_EVER_MS = 2**62
BEFORE_MS = 14 * q.DAY_MS
COUNTED_MOST = 20
KEY_BYTES, DIGEST_BYTES = 8, 4
TOUCHED_MOST = 1_024


class MeasuredMetric(NamedTuple):
    """A metric, and the codes of the quantities that its parts count (`Part.counts`)."""

    metric: Metric
    x: int
    y: int


@dataclass(frozen=True)
class MeasuredExperiment:
    """An experiment and its metrics.

    `begins_ms`, `ends_ms`: what is shown and done in between counts, by the events' own times. `window_ms`:
    of each user only so long after their exposure; None: to the end. `before_ms`: how long before the
    exposure counts as before.
    """

    name: str
    arms: frozenset[str]
    metrics: tuple[Metric, ...]
    begins_ms: int = 0
    ends_ms: int = FOR_EVER_MS
    window_ms: int | None = None
    before_ms: int = BEFORE_MS

    def __post_init__(self) -> None:
        if not 1 <= len(self.metrics) <= METRICS_MOST:
            raise SettingsError(
                f"experiment {self.name!r} has {len(self.metrics)} metrics; expected 1 to {METRICS_MOST}"
            )

    @cached_property
    def key(self) -> bytes:
        """Names it in users' states. One that begins anew under the same name is another."""
        return state_key(self.name, self.begins_ms)

    @cached_property
    def codes(self) -> frozenset[int]:
        """The quantities that its metrics need."""
        return frozenset[int]().union(*(metric.codes for metric in self.metrics))

    @cached_property
    def by_exposure(self) -> bool:
        """Whether any of them depends on when a user was exposed."""
        return q.by_exposure(self.codes)

    @cached_property
    def counted(self) -> bytes:
        """The metrics' digests, end to end."""
        return b"".join(metric.digest for metric in self.metrics)

    def also_counting(self, counted: bytes) -> bytes:
        """The digests in `counted` and those of its own metrics. A metric that is not known here, or not now,
        is not forgotten: its sums have the user.
        """
        if counted == self.counted:
            return counted
        known = self.counting(counted)
        new = [metric.digest for metric in self.metrics if metric not in known]
        return (counted + b"".join(new))[-COUNTED_MOST * DIGEST_BYTES :] if new else counted

    def counting(self, counted: bytes) -> Sequence[Metric]:
        """Those of its metrics whose digests these are, end to end."""
        if counted == self.counted:
            return self.metrics
        if counted not in self._counting:
            digests = {counted[at : at + DIGEST_BYTES] for at in range(0, len(counted), DIGEST_BYTES)}
            self._counting[counted] = [metric for metric in self.metrics if metric.digest in digests]
        return self._counting[counted]

    def touched(self, counted: bytes, changed: frozenset[int]) -> Sequence[MeasuredMetric]:
        """Those of its metrics whose digests are `counted` that need any of the quantities `changed`."""
        key = counted, changed
        if key not in self._touched:
            if len(self._touched) >= TOUCHED_MOST:
                self._touched.clear()
            self._touched[key] = [
                MeasuredMetric(metric, metric.x.counts, metric.y.counts)
                for metric in self.counting(counted)
                if not changed.isdisjoint(metric.codes)
            ]
        return self._touched[key]

    @cached_property
    def _touched(self) -> dict[tuple[bytes, frozenset[int]], list[MeasuredMetric]]:
        return {}

    @cached_property
    def _counting(self) -> dict[bytes, list[Metric]]:
        return {}

    def until_ms(self, exposed_ms: int) -> int:
        """Before when a user's events count who was exposed then."""
        if self.window_ms is None:
            return self.ends_ms
        return min(self.ends_ms, exposed_ms + self.window_ms)


def state_key(name: str, begins_ms: int) -> bytes:
    """8 bytes that name an experiment and when it began, in users' states."""
    return hashlib.blake2b(f"{name}@{begins_ms}".encode(), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True)
class Measured:
    """The experiments that run, by name; `over`: the keys (`state_key`) of those that don't any more, whose
    sums users' states need not hold on to.
    """

    experiments: Mapping[str, MeasuredExperiment] = field(default_factory=dict)
    over: frozenset[bytes] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.experiments)

    @cached_property
    def by_key(self) -> dict[bytes, MeasuredExperiment]:
        """The experiments by their keys."""
        return {each.key: each for each in self.experiments.values()}

    @cached_property
    def codes(self) -> frozenset[int]:
        """All quantities that are needed."""
        return frozenset[int]().union(*(each.codes for each in self.experiments.values()))


NOTHING_MEASURED = Measured()


def measured(experiments: Iterable[MeasuredExperiment], over: Iterable[bytes] = ()) -> Measured:
    """These experiments."""
    return Measured({each.name: each for each in experiments}, frozenset(over))
