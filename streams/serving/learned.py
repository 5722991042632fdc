"""What the learner has come to, read from the snapshot in the store: for whoever runs no recommender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streams.learning.earnings import SourceClicks
from streams.learning.experts.adaptive_learner import LearnerReport
from streams.recommender import Recommender
from streams.serving.kept_counters import restore_learned
from streams.settings.tree import Settings


class Learned(NamedTuple):
    """`learned_to`: the place in the ledger up to which lessons were taken. `counts`: of lessons. `report` is
    None where no arm adapts scores, `earned` empty where no arm's quotas follow what sources earn.
    """

    learned_to: str
    counts: Mapping[str, int]
    report: LearnerReport | None
    earned: Mapping[str, SourceClicks]


def learned(settings: Settings, snapshot: bytes, position: str) -> Learned:
    """What a snapshot's payload says, whose place in the ledger is `position`. It takes some milliseconds,
    and more for a large one: call it in a thread. Raises `StoreError`.
    """
    recommender = Recommender(settings)
    restore_learned(recommender, snapshot, position)
    recommender.look_back()
    return Learned(
        recommender.learned_to, recommender.learner.counts(), recommender.report, recommender.earned
    )
