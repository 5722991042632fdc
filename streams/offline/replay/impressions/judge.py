"""Ranks every list by every system before it is learned, and keeps the figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.slate_metrics import ListFigures, figures_of
from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.lesson import Lesson
from streams.offline.replay.impressions.adapted import Adapted, scores_by
from streams.offline.replay.impressions.listed_stream import ListedStream, ScoredList
from streams.offline.replay.impressions.live_systems import LiveSystems, Said
from streams.offline.replay.impressions.outcomes import ListOutcomes, stacked
from streams.offline.replay.impressions.rankers import rankers

NET, STOPPED, ADAPTED = "frozen net", "adapted, stopped at the half", "adapted"


class Judge:
    """`begin` begins the judging; before it lists are only learned from. `net`: whether one is in service.
    `live`: the systems with a net of lists; None: there are none.
    """

    def __init__(
        self,
        run: ListedStream,
        adapted: Adapted,
        net: bool,
        seed: int,
        live: LiveSystems | None = None,
    ) -> None:
        self.run, self.adapted, self.net, self.seed, self.live = run, adapted, net, seed, live
        self.rankers = rankers(run.columns)
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
            self.live.begin()

    def take(self, scored: ScoredList) -> None:
        """A list that comes; it is learned later."""
        said = None if self.live is None else self.live.say(scored)
        if self._stopped is not None:
            self._judge(scored, said)
        for each in self.rankers:
            each.show(scored.rows, scored.shown.ts_ms)
        if self.live is not None and said is not None:
            self.live.take(scored, said)

    def hear(self, lesson: Lesson) -> None:
        """A slate was closed."""
        self.adapted.learner.learn(lesson)
        if self.live is not None:
            self.live.hear(lesson)

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

    def _judge(self, scored: ScoredList, said: Said | None) -> None:
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
        if self.live is not None and said is not None:
            scores |= self.live.scores(scored, said)
        self._users.setdefault(scored.shown.user, len(self._users))
        self._figures.append({name: figures_of(each, answers, ties) for name, each in scores.items()})
        self._lists.append(scored._replace(columns=_NOTHING, base=_NOTHING[:, 0], more=_NOTHING))
        self.adapted.note(len(self._lists))
        if self.live is not None:
            self.live.note(len(self._lists))


_NOTHING = np.empty((0, 1), np.float32)


def _clicks_of(run: ListedStream) -> dict[str, frozenset[str]]:
    """What was clicked of each list."""
    stream, found = run.stream.interactions, dict[str, set[str]]()
    for slate_id, item in zip(stream.slate or (), stream.item, strict=bool(stream.slate)):
        if slate_id:
            found.setdefault(slate_id, set()).add(item)
    return {slate_id: frozenset(items) for slate_id, items in found.items()}
