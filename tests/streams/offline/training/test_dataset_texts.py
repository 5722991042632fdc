"""A dataset's texts: which are known when, and the vectors of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.schema import F32
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText
from streams.offline.training.dataset_texts import TEXTS_AT_A_TIME, encode_all, spread, texts_of


def dataset(text: list[str] | None) -> Dataset:
    stream = Interactions(
        ["u"] * 3, ["a", "b", "c"], np.arange(3) * 1_000, np.full(3, np.nan, np.float32), text=text
    )
    return Dataset(stream, {"a": ItemText(title="Heat"), "b": ItemText(), "c": ItemText(title="Fargo")})


def test_reviews_that_come_later_are_not_known() -> None:
    assert texts_of(dataset(["first", "", "third"]), 2) == ["Heat", "Fargo", "first"]
    assert texts_of(dataset(["first", "", "third"]), 3) == ["Heat", "Fargo", "first", "third"]
    assert texts_of(dataset(None), 3) == ["Heat", "Fargo"]


@given(st.integers(0, 300), st.integers(1, 50))
def test_a_sample_is_spread_over_all_in_their_order(texts: int, count: int) -> None:
    names = [f"{k:03}" for k in range(texts)]
    found = spread(names, count)
    assert len(found) == min(texts, count)
    assert found == sorted(set(found))
    if texts > count > 1:
        assert (found[0], found[-1]) == (names[0], names[-1])
        gaps = np.diff([int(name) for name in found])
        assert gaps.max() - gaps.min() <= 1


def test_every_different_text_has_its_own_vector_and_progress_is_told() -> None:
    asked: list[int] = []
    told: list[tuple[str, int, int]] = []

    def encode(texts: Sequence[str]) -> F32:
        asked.append(len(texts))
        return np.array([[float(text)] for text in texts], np.float32)

    count = 2 * TEXTS_AT_A_TIME + 5
    names = [str(k) for k in range(count)]
    found = encode_all([*names, "", *names[:9]], encode, "reading", lambda *say: told.append(say))
    assert {name: float(vector[0]) for name, vector in found.items()} == {each: float(each) for each in names}
    assert asked == [TEXTS_AT_A_TIME, TEXTS_AT_A_TIME, 5]
    assert told[-1] == ("reading", count, count)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert encode_all([], encode, "reading", lambda *say: None) == {}
    assert encode_all(names, None, "reading", lambda *say: None) == {}
