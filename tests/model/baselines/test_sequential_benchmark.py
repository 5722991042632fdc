"""The protocol of the benchmark beside SASRec: what an event's item is ranked among, and by which model."""

from __future__ import annotations

import numpy as np

from benchmarks.sequential import Sequences, continual, passes_for
from model.baselines.sequential import I64, SequentialSettings, SequentialTrainer
from model.schema import F32

SMALL = SequentialSettings(length=4, width=8, layers=1, negatives=8, batch=8, learning_rate=1e-2)


class Largest(SequentialTrainer):
    """Likes items of a larger number better, and keeps the histories it is asked about."""

    def __init__(self, items: int) -> None:
        super().__init__(SMALL, items)
        self.asked: list[list[int]] = []

    def scores(self, histories: I64) -> F32:
        self.asked += histories.tolist()
        return np.tile(np.arange(self.items + 1, dtype=np.float32), (len(histories), 1))


def test_places_are_among_items_that_were_met_by_somebody_and_not_by_the_user() -> None:
    users = ["a", "a", "b", "b", "a", "b", "b", "a"]
    items = ["p", "q", "r", "p", "r", "s", "q", "q"]  # numbers 1, 2, 3, 1, 3, 4, 2, 2
    stream = Sequences(users, items)
    model = Largest(stream.items)
    assert stream.items == 4
    # Event 4: a has 1, 2 and meets 3, the only other one known. 5: nobody knows 4. 6: b has 3, 1, 4, and only
    # 2 is left. 7: a meets 2 again.
    assert stream.ranks(model, 4, 8).tolist() == [1, 0, 1, 0]
    assert model.asked == [[2, 1, 0, 0], [1, 3, 0, 0], [4, 1, 3, 0], [3, 2, 1, 0]]
    # Event 3: of 1 and 2, which b has not met, 2 is liked better.
    assert stream.ranks(model, 3, 4).tolist() == [2]
    assert stream.until(4) == {"a": [1, 2], "b": [3, 1]}


def test_a_model_that_trains_on_the_way_beats_one_that_does_not() -> None:
    rng = np.random.default_rng(2)
    users, items = [], []
    for n in range(120):  # the second half follows another order than the first
        start = int(rng.integers(12))
        step = 1 if n < 60 else 5
        users += [f"u{n}"] * 5
        items += [f"i{(start + step * k) % 12}" for k in range(5)]
    stream = Sequences(users, items)
    said: list[int] = []
    assert passes_for(stream, SMALL, 300, 12, 4, said.append) in (4, 8, 12)
    assert said == [4, 8, 12]
    frozen, trained = (
        continual(stream, SMALL, 300, 60, 20, renew, said.append) for renew in (0, 15)
    )  # fmt: skip
    assert len(frozen) == len(trained) == 300
    assert frozen[:60].tolist() == trained[:60].tolist()
    late = slice(150, 300)
    assert ((trained[late] > 0) & (trained[late] <= 2)).mean() > (
        (frozen[late] > 0) & (frozen[late] <= 2)
    ).mean() + 0.1
