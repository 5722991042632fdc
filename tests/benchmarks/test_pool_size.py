"""What a smaller pool keeps, worked out from the whole one, is what the core makes with that setting."""

from __future__ import annotations

import numpy as np

from benchmarks.pool_size import event_of, lines_of, place_of, smaller
from tests.streams.core import Small, toy_model

RESERVE = {"nearest": 4, "fresh": 6}


def driven() -> Small:
    small = Small(items=160)
    small.announce_all(seed=1)
    small.random_events(400, users=8, seed=2)
    small.core.serve(toy_model(small.core.pipeline))
    return small


def test_a_smaller_pool_is_the_one_that_the_setting_makes() -> None:
    small = driven()
    moved = 0
    for user in small.states:
        whole, other = (
            small.draft(
                user,
                plan=small.core.plan(
                    {"candidates": {"pool": pool, "reserve": RESERVE}, "feed": {"size": 10}}
                ),
            )
            for pool in (90, 25)
        )
        stays = smaller(event_of(whole, int(whole.rows[0])), 25)
        assert sorted(whole.rows[stays].tolist()) == sorted(other.rows.tolist())
        moved += whole.rows[:25].tolist() != other.rows.tolist()
        for row in other.rows.tolist():
            place = int((other.score > other.score[other.rows == row]).sum()) + 1
            assert place_of(event_of(whole, row), stays) == place
    assert moved, "what is reserved changed no pool: the test can't fail"


def test_what_is_lost_is_told_by_size() -> None:
    small = driven()
    plan = small.core.plan({"candidates": {"pool": 90}})
    draft = small.draft("u1", plan=plan)
    last = event_of(draft, int(draft.rows[89]))._replace(reserved=np.zeros(90, np.bool_))
    best = last._replace(score=-np.arange(90, dtype=np.float32)[::-1], slate=np.arange(70, 90))
    lines = {line.size: line for line in lines_of([best, best])}
    assert (lines[80].kept, lines[100].kept) == (0.5, 1.0)
    assert (lines[80].ndcg10.value, lines[80].hr10.value, lines[100].ndcg10.value) == (-1.0, -1.0, 0.0)
