"""What each candidate source has earned: clicks for each place that it brought and that was looked at.

A place is booked to the sources that had ranked its item, to each in proportion to 1 / rank. What was looked
at is counted by the chance that a place is looked at, 1 / rank ** eta, so that a source is not paid for where
its items stood. Clicks are what `ChoiceRules` calls chosen; who clicks everything chooses nothing.

Both are forgotten by `DISCOUNT` a lesson. Clicks are Poisson counts, so that the rate of a source has a Gamma
posterior; before any lesson it is that of all sources together. A deterministic fold of lessons, as a learner
is, with a state of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.errors import StoreError
from model.feature_names import rank_feature
from streams.learning.experts.choices import ChoiceRules
from streams.learning.kept_slates import PLACES_MAX
from streams.learning.lesson import Lesson
from streams.learning.looks import digest_of_names
from streams.state.action_meaning import Meanings
from streams.state.stored_format import check_version, leading_version

F64 = NDArray[np.float64]
VERSION = 1
ETA = 0.5
"""Place r is taken to be looked at in proportion to r ** -ETA."""
DISCOUNT = 0.9998
"""What is kept of the counts at each lesson: half of them are gone after 3,466."""
BELIEF_PLACES = 50.0
"""So many places, looked at, the rate of all sources counts in that of each."""
RATE, PLACES = 0.05, 10.0
"""The rate of all sources before any lesson, and what it counts."""


class SourceClicks(NamedTuple):
    """Of a source: its `clicks` and the `places` that were looked at, both as far as they are remembered; the
    `rate` is the posterior's mean, in clicks a place.
    """

    clicks: float
    places: float
    rate: float


class _Packed(msgspec.Struct, array_like=True):
    """Version 1."""

    version: int
    counts: dict[str, int]
    earned: dict[str, tuple[float, float]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


class SourceEarnings:
    """columns: the names of a lesson's features, in their order, the ranks of all `sources` among them. eta:
    see above.
    """

    def __init__(
        self, sources: Sequence[str], columns: Sequence[str], meanings: Meanings, eta: float = ETA
    ) -> None:
        self.sources = tuple(sources)
        self.clicks: F64 = np.zeros(len(sources))
        self.places: F64 = np.zeros(len(sources))
        self._counts = {"taken": 0, "other_columns": 0}
        self._reads = np.array([list(columns).index(rank_feature(name)) for name in sources])
        self._names, self._columns = digest_of_names(columns), len(columns)
        self._rules = ChoiceRules(meanings)
        self._looked: F64 = np.asarray(np.arange(1, PLACES_MAX + 1) ** -eta, np.float64)

    def learn(self, lesson: Lesson) -> None:
        """Take one lesson. One whose features have other names, or none, is only counted."""
        if not lesson.has_columns(self._names, self._columns):
            self._counts["other_columns"] += 1
            return
        self._counts["taken"] += 1
        found = lesson.features[:, self._reads].astype(np.float64)
        known: NDArray[np.bool_] = np.asarray(np.isfinite(found).all(axis=1), np.bool_)
        known[lesson.seen :] = False
        # One place more than there are: a place that stood alone was clicked all the same.
        made = self._rules.choices(lesson.answers, known, len(known) + 1, lesson.seen).made
        chosen = np.zeros(len(known))
        for choice in made:
            if choice.sign > 0:
                chosen[choice.place] = choice.weight
        book(found, known, chosen, self._looked, self.clicks, self.places)

    def rates(self, random: np.random.Generator | None = None) -> F64:
        """Clicks a place of each source, [sources], above 0: the posterior's means, or one draw of it."""
        overall = (self.clicks.sum() + RATE * PLACES) / (self.places.sum() + PLACES)
        shape, places = self.clicks + BELIEF_PLACES * overall, self.places + BELIEF_PLACES
        drawn = shape if random is None else random.standard_gamma(shape)
        rates: F64 = np.maximum(drawn / places, 1e-9)
        return rates

    def report(self) -> dict[str, SourceClicks]:
        """By the names of the sources."""
        rows = zip(self.clicks.tolist(), self.places.tolist(), self.rates().tolist(), strict=True)
        return {name: SourceClicks(*row) for name, row in zip(self.sources, rows, strict=True)}

    def counts(self) -> Mapping[str, int]:
        """Lessons: those that were `taken`, and those of slates with `other_columns`; a copy."""
        return dict(self._counts)

    def pack(self) -> bytes:
        """All that was counted; a copy."""
        columns = zip(self.clicks.tolist(), self.places.tolist(), strict=True)
        earned = dict(zip(self.sources, columns, strict=True))
        return _encoder.encode(_Packed(VERSION, dict(self._counts), earned))

    def restore(self, raw: bytes) -> None:
        """Take what `pack` packed; else raise `StoreError`, and stay as it is. A source that is not in it has
        earned nothing yet.
        """
        try:
            check_version("earnings of sources", leading_version(raw), VERSION)
            kept = _decoder.decode(raw)
        except msgspec.MsgspecError as error:
            raise StoreError(f"earnings of sources, {len(raw)} bytes, can't be read: {error}") from None
        rows = np.array([kept.earned.get(name, (0.0, 0.0)) for name in self.sources]).reshape(-1, 2)
        if not (np.isfinite(rows).all() and (rows >= 0).all()):
            raise StoreError("earnings of sources are no numbers from 0 on: something changed them")
        self.clicks, self.places = rows[:, 0].copy(), rows[:, 1].copy()
        self._counts = dict.fromkeys(self._counts, 0) | kept.counts


@compiled
def book(found: F64, known: NDArray[np.bool_], chosen: F64, looked: F64, clicks: F64, places: F64) -> None:
    """Book n places to S sources. found [n, S]: 1 / sqrt(rank) in each source's list, 0 for none; chosen [n]:
    what the place counts as clicked; looked [at least n]; clicks, places [S]: changed in place.
    """
    for s in range(len(clicks)):
        clicks[s] *= DISCOUNT
        places[s] *= DISCOUNT
    for i in range(len(found)):
        total = 0.0
        for s in range(len(clicks)):
            total += found[i, s] * found[i, s]
        if not known[i] or total <= 0.0:
            continue
        for s in range(len(clicks)):
            part = found[i, s] * found[i, s] / total
            clicks[s] += part * chosen[i]
            places[s] += part * looked[min(i, len(looked) - 1)]
