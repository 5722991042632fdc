"""The core and a memory of texts walk a stream side by side: choices to train with, events to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from model.baselines.cross_encoder import Choice
from model.baselines.pair_words import item_words, user_words
from model.text_memory import TextMemory
from streams.examples.collector import ExampleCollector
from streams.offline.replay.options import Progress
from streams.offline.stream_driver import Prequential
from streams.ranking.draft import Draft

NEGATIVES = 4
BURN_IN = 0.2


class Ranked(NamedTuple):
    """One drawn event: the places of the met item by each ranker (0: not in the pool), and the choice."""

    pool: int
    fusion: int
    choice: Choice | None
    draft: Draft


@dataclass
class Walk:
    """Drives the core and a memory of texts along the stream, side by side."""

    run: Prequential
    memory: TextMemory
    pool: int
    rng: np.random.Generator

    def learn(self) -> None:
        events = self.run.stream.interactions
        k = self.run.at
        self.memory.learn(events.user[k], events.item[k], events.text[k] if events.text else "")
        self.run.learn()

    def choice(self, user: str, rows: Sequence[int]) -> Choice:
        ids = self.run.recommender.catalog.ids
        return Choice(user_words(self.memory, user), tuple(item_words(self.memory, ids[row]) for row in rows))

    def warm(self, until: int, wanted: int, collector: ExampleCollector, say: Progress) -> list[Choice]:
        """Learn up to `until`; about `wanted` choices on the way, and all the fusion model's examples."""
        events, core = self.run.stream.interactions, self.run.recommender
        begin = int(until * BURN_IN)
        drawn = set((begin + self.rng.permutation(until - begin)[:wanted]).tolist())
        choices = []
        for k in range(until):
            state = self.run.state(events.user[k])
            if k >= until // 10 and self.run.collect(collector):
                row = core.catalog.rows[events.item[k]]
                if k in drawn and state.interactions:
                    plan = core.plan({"candidates": {"pool": self.pool}})
                    request = core.request(state, int(events.ts_ms[k]), plan=plan, complete=False)
                    draft = core.pipeline.gather([request]).draft(0)
                    others = draft.rows[draft.rows != row]
                    if len(others) >= NEGATIVES:
                        picked = self.rng.choice(others, NEGATIVES, replace=False)
                        choices.append(self.choice(events.user[k], [row, *picked.tolist()]))
            self.learn()
            say("warming", k + 1, until)
        return choices

    def judge(self, wanted: int, say: Progress) -> list[Ranked]:
        """`wanted` of the remaining events, ranked by the pool and by the model in service."""
        events, begin = self.run.stream.interactions, self.run.at
        total = len(events)
        drawn = set((begin + self.rng.permutation(total - begin)[:wanted]).tolist())
        found = []
        for k in range(begin, total):
            if k in drawn:
                draft, row = self.run.predict()
                rows = draft.rows[: draft.placed][: self.pool]
                at = np.flatnonzero(rows == row)
                if len(at):
                    scores = draft.score[: len(rows)]
                    fusion = int((scores >= scores[at[0]]).sum())
                    choice = self.choice(events.user[k], rows.tolist())
                    found.append(Ranked(int(at[0]) + 1, fusion, choice, draft))
                else:
                    found.append(Ranked(0, 0, None, draft))
            self.learn()
            say("judging", k + 1 - begin, total - begin)
        return found
