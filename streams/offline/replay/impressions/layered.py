"""Online reweighting over the live net: the frozen expert's order is then the net's, and not zero.

The net is renewed now and then, the experts learn from every list: so a drift is followed at once, and what a
sum of signals can't say is not lost.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.learning.experts.settings import ReweightingSettings
from streams.learning.experts.signals import BASE
from streams.learning.lesson import Lesson
from streams.learning.looks import F2, HALF_MAX
from streams.offline.replay.impressions.adapted import Adapted
from streams.offline.replay.impressions.listed_stream import ListedStream, ScoredList
from streams.state.user_state import Rows

F64 = NDArray[np.float64]


class Layered:
    """A learner of its own, whose `base` is what the live net said when the list came."""

    def __init__(self, settings: ReweightingSettings, run: ListedStream) -> None:
        self.adapted = Adapted(settings, run)
        self._base = run.columns.index(BASE)
        self._open: dict[str, dict[int, float]] = {}

    def scores(self, scored: ScoredList, said: F64) -> F64:
        """float64 [n]; `said` [n]: the live net's scores. Nothing is learned."""
        columns = scored.columns.copy()
        columns[:, self._base] = said.clip(-HALF_MAX, HALF_MAX)
        return self.adapted.scores(scored._replace(columns=columns))

    def take(self, slate_id: str, rows: Rows, said: F64) -> None:
        """What the net said of the items of a list that was shown."""
        bounded = said.clip(-HALF_MAX, HALF_MAX)
        self._open[slate_id] = dict(zip(rows.tolist(), bounded.tolist(), strict=True))

    def hear(self, lesson: Lesson) -> None:
        """A slate was closed."""
        said = self._open.pop(lesson.slate_id, None)
        if said is not None and lesson.feature_bytes:
            features = lesson.features.copy()
            for place, row in enumerate(lesson.rows.tolist()):
                if row in said:
                    features[place, self._base] = said[row]
            lesson = msgspec.structs.replace(lesson, feature_bytes=features.astype(F2).tobytes())
        self.adapted.learner.learn(lesson)
