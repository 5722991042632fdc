"""A net of lists that goes on learning: each list teaches it once its slate was closed, never before.

It begins anew whenever it has twice the lists that it began with, and when the second part begins. Between,
it goes on after every `ListPlan.renew_every` lists.
"""

from __future__ import annotations

from collections import deque
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.plan import ListPlan
from model.schema import F32
from streams.learning.experts.choices import ChoiceRules
from streams.learning.lesson import Lesson
from streams.state.action_meaning import Meanings
from streams.state.user_state import Rows

if TYPE_CHECKING:
    from model.list_net import ListNet
    from model.list_training import ListExample

F64 = NDArray[np.float64]
NOWHERE = -1


def can_learn() -> bool:
    """Whether the extra `train` is installed."""
    return find_spec("torch") is not None


class LiveNet:
    """Before there are enough lists, all places of a list are alike to it: scores of 0. To be made only where
    it `can_learn`.

    `learned`: from how many lists; `fitted`: how often it began anew; `renewed`: how often it went on.
    """

    def __init__(self, plan: ListPlan, meanings: Meanings, seed: int) -> None:
        self.plan, self.seed = plan, seed
        self.learned = self.fitted = self.renewed = 0
        self._rules = ChoiceRules(meanings)
        self._net: ListNet | None = None
        self._stopped: ListNet | None = None
        self._open: dict[str, tuple[dict[int, int], F32]] = {}
        self._examples: deque[ListExample] = deque(maxlen=plan.window)
        self._new = 0
        self._next_fit = plan.renew_every

    def scores(self, features: F32) -> F64:
        """float64 [n] of a list with these features [n, F]; nothing is learned."""
        return _scores(self._net, features)

    def stopped(self, features: F32) -> F64:
        """The same by the net as it was when the second part began."""
        return _scores(self._stopped, features)

    def take(self, slate_id: str, rows: Rows, features: F32) -> None:
        """A list of these items, in their order; it teaches when its slate is closed."""
        places = {row: place for place, row in enumerate(rows.tolist())}
        self._open[slate_id] = places, features

    def hear(self, lesson: Lesson) -> None:
        """A slate was closed. One without a good answer says nothing of what is better than what."""
        taken = self._open.pop(lesson.slate_id, None)
        if taken is None:
            return
        places, features = taken
        shares = self._chosen(lesson, places)
        if shares is None:
            return
        from model.list_training import ListExample

        self._examples.append(ListExample(features, shares))
        self.learned += 1
        self._new += 1
        if self.learned >= self._next_fit:
            self._fit()
        elif self._net is not None and self._new >= self.plan.renew_every:
            self._renew(self._net)

    def begin(self) -> None:
        """The second part begins."""
        if self._examples:
            self._fit()
        self._stopped = self._net

    def _chosen(self, lesson: Lesson, places: dict[int, int]) -> F32 | None:
        """What part of the choice each place of the list has; None where nothing was chosen among several."""
        at = [places.get(row, NOWHERE) for row in lesson.rows.tolist()]
        known = np.array(at) != NOWHERE
        count = int(known.sum())
        if count < 2:
            return None
        shares = np.zeros(len(places), np.float32)
        for choice in self._rules.choices(lesson.answers, known, count).made:
            if choice.sign > 0:
                shares[at[choice.place]] += choice.weight
        total = shares.sum()
        return shares / total if total > 0 else None

    def _fit(self) -> None:
        from model.list_training import fit_lists

        self._net = fit_lists(list(self._examples), self.plan, self._drawn())
        self._next_fit, self._new = 2 * self.learned, 0
        self.fitted += 1

    def _renew(self, net: ListNet) -> None:
        from model.list_training import go_on

        first = max(0, len(self._examples) - (1 + self.plan.replayed) * self._new)
        newest = list(islice(self._examples, first, None))
        self._net, self._new = go_on(net, newest, self.plan, self._drawn()), 0
        self.renewed += 1

    def _drawn(self) -> int:
        """A seed of its own for each training."""
        places = [self.seed, self.fitted, self.renewed]
        return int(np.random.SeedSequence(places).generate_state(1, np.uint32)[0])


def _scores(net: ListNet | None, features: F32) -> F64:
    if net is None:
        return np.zeros(len(features))
    from model.list_training import list_scores

    return list_scores(net, features)
