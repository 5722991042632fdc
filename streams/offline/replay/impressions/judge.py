"""Ranks every list by every system before it is learned, and keeps the figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.features import ENTITY_FEATURES, TEXT_FEATURES
from model.schema import F32
from model.slate_metrics import ListFigures, figures_of
from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.lesson import Lesson
from streams.offline.replay.impressions.adapted import Adapted, scores_by
from streams.offline.replay.impressions.layered import Layered
from streams.offline.replay.impressions.listed_stream import ListedStream, ScoredList
from streams.offline.replay.impressions.live_net import LiveNet
from streams.offline.replay.impressions.outcomes import ListOutcomes, LiveResult, stacked
from streams.offline.replay.impressions.rankers import rankers

F64 = NDArray[np.float64]
NET, STOPPED, ADAPTED = "frozen net", "adapted, stopped at the half", "adapted"
CONTENT = frozenset((*ENTITY_FEATURES, *TEXT_FEATURES))
"""The net of lists reads these, too; experts read few signals, since those are learned anew sooner."""
LIVE_STOPPED, LIVE, LAYERED = "live net, stopped at the half", "live net", "live net, adapted"


class Judge:
    """`begin` begins the judging; before it lists are only learned from. `net`: whether one is in service.
    `live`: the net of lists, and the learner over it; None: there is none.
    """

    def __init__(
        self,
        run: ListedStream,
        adapted: Adapted,
        net: bool,
        seed: int,
        live: tuple[LiveNet, Layered] | None = None,
    ) -> None:
        self.run, self.adapted, self.net, self.seed, self.live = run, adapted, net, seed, live
        self.rankers = rankers(run.columns)
        content = [at for at, name in enumerate(run.columns) if name in CONTENT]
        self._reads = np.union1d(adapted.learner.reads, np.array(content, np.int64))
        self.unclicked = 0
        self._stopped: AdaptiveLearner | None = None
        self._clicked = _clicks_of(run)
        self._lists: list[ScoredList] = []
        self._figures: list[Mapping[str, ListFigures]] = []
        self._users: dict[str, int] = {}

    def prime(self, until: int) -> None:
        """The rankers take what the core has learned already, up to event `until`."""
        stream, rows = self.run.stream.interactions, self.run.recommender.catalog.rows
        for k in range(until):
            for slate in stream.shown[k] if stream.shown is not None else ():
                shown = np.array([rows[item] for item in slate.items], np.int32)
                for each in self.rankers:
                    each.show(shown, slate.ts_ms)
            self.click(rows[stream.item[k]], k)

    def begin(self) -> None:
        """The second part begins: from here on, what was learned so far is judged by itself, too."""
        self._stopped = self.adapted.stopped(self.run)
        if self.live is not None:
            self.live[0].begin()

    def take(self, scored: ScoredList) -> None:
        """A list that comes; it is learned later."""
        features, said = self._read(scored)
        if self._stopped is not None:
            self._judge(scored, features, said)
        for each in self.rankers:
            each.show(scored.rows, scored.shown.ts_ms)
        if self.live is not None:
            net, layered = self.live
            layered.take(scored.shown.slate_id, said)
            net.take(scored.shown.slate_id, features)

    def hear(self, lesson: Lesson) -> None:
        """A slate was closed."""
        self.adapted.learner.learn(lesson)
        if self.live is not None:
            net, layered = self.live
            layered.hear(lesson)
            net.hear(lesson)

    def click(self, row: int, event: int) -> None:
        """An event is over; it was learned."""
        stream = self.run.stream.interactions
        on_slate = bool(stream.slate and stream.slate[event])
        for each in self.rankers:
            each.click(row, int(stream.ts_ms[event]), on_slate)

    def outcomes(self) -> ListOutcomes:
        """All that was judged."""
        return ListOutcomes(
            ts_ms=np.array([each.shown.ts_ms for each in self._lists], np.int64),
            users=np.array([self._users[each.shown.user] for each in self._lists], np.int64),
            places=np.array([len(each.rows) for each in self._lists], np.int64),
            figures=stacked(self._figures),
        )

    def live_result(self) -> LiveResult | None:
        """What the net of lists came to; None where there is none."""
        if self.live is None:
            return None
        net, layered = self.live
        reads = (*(self.run.columns[at] for at in self._reads.tolist()), *self.run.more)
        weights = layered.adapted.weights(len(self._lists))
        return LiveResult(reads, net.learned, net.fitted, net.renewed, weights)

    def _judge(self, scored: ScoredList, features: F32, said: F64) -> None:
        clicked = self._clicked.get(scored.shown.slate_id, frozenset())
        answers = np.array([item in clicked for item in scored.shown.items], np.bool_)
        if not answers.any():
            self.unclicked += 1
            return
        ties = np.random.default_rng([self.seed, scored.shown.number]).permutation(len(answers))
        scores = {each.name: each.scores(scored) for each in self.rankers}
        if self.net:
            scores[NET] = scored.base.astype(np.float64)
        assert self._stopped is not None
        scores[STOPPED] = scores_by(self._stopped, scored, self.adapted.level)
        scores[ADAPTED] = self.adapted.scores(scored)
        if self.live is not None:
            net, layered = self.live
            scores[LIVE_STOPPED], scores[LIVE] = net.stopped(features), said
            scores[LAYERED] = layered.scores(scored, said)
        self._users.setdefault(scored.shown.user, len(self._users))
        self._figures.append({name: figures_of(each, answers, ties) for name, each in scores.items()})
        self._lists.append(scored._replace(columns=_NOTHING, base=_NOTHING[:, 0], more=_NOTHING))
        self.adapted.note(len(self._lists))
        if self.live is not None:
            self.live[1].adapted.note(len(self._lists))

    def _read(self, scored: ScoredList) -> tuple[F32, F64]:
        """What the net of lists reads, float32 [n, F]: what the experts read, the content, and more of the
        list; and what it makes of that, float64 [n].
        """
        read = scored.columns[:, self._reads]
        features = np.concatenate([read, scored.more], axis=1)
        return features, np.zeros(len(read)) if self.live is None else self.live[0].scores(features)


_NOTHING = np.empty((0, 1), np.float32)


def _clicks_of(run: ListedStream) -> dict[str, frozenset[str]]:
    """What was clicked of each list."""
    stream, found = run.stream.interactions, dict[str, set[str]]()
    for slate_id, item in zip(stream.slate or (), stream.item, strict=bool(stream.slate)):
        if slate_id:
            found.setdefault(slate_id, set()).add(item)
    return {slate_id: frozenset(items) for slate_id, items in found.items()}
