"""What a query finds: the pool is the same whether all vectors are searched or only those that can matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streams.ranking.request import ItemFilter
from streams.search import finding
from streams.search.finding import Pool, find
from streams.search.meaning import near
from streams.settings.search import SearchSettings
from streams.state.user_state import EMPTY
from tests.streams.search.catalogue import NOW_MS, Goods, Shop, shop, vector_of

TOLD = "guitar strap leather nylon drum snare stick amber cable stand tuner case"
WORDS = TOLD.split()
ASKED = (*WORDS, "cheap", "maker", "one")


def stocked(seed: int, settings: SearchSettings) -> Shop:
    """Sixty items with a few of the words each."""
    rng = np.random.default_rng(seed)
    goods = [
        Goods(
            " ".join(rng.choice(WORDS, rng.integers(1, 5))),
            f"maker {'one' if rng.random() < 0.2 else 'two'}",
            ["Straps"],
            float(rng.integers(1, 90)),
            text=" ".join(rng.choice(WORDS, rng.integers(0, 4))),
        )
        for _ in range(60)
    ]
    return shop(goods, settings)


def found(here: Shop, text: str, vector: np.ndarray, filtered: ItemFilter) -> Pool:
    request = here.core.request(EMPTY, NOW_MS, filter=filtered)
    return find(here.core, here.indexed, here.indexed.understand(text), vector, request)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 20),
    st.sampled_from((0.0, 0.1, 0.5, 5.0)),
    st.lists(st.sampled_from(ASKED), min_size=1, max_size=4),
    st.sampled_from((None, 40.0)),
)
@examples(max_examples=30, deadline=None)
def test_vectors_are_left_out_only_where_they_change_nothing(
    seed: int, pool: int, meaning: float, words: list[str], most: float | None
) -> None:
    here, text = stocked(seed, SearchSettings(pool=pool, per_list=30, meaning=meaning)), " ".join(words)
    filtered = ItemFilter(price_to=most)
    # Any item may be the nearest one: by a vector that has nothing to do with the words, too.
    rows = np.random.default_rng(seed).integers(0, 60, 3)
    for vector in (vector_of(text), *here.core.catalog.text[rows]):
        fewer = found(here, text, vector, filtered)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(finding, "_full_of_words", lambda *_: False)
            whole = found(here, text, vector, filtered)
        assert fewer.rows.tolist() == whole.rows.tolist()
        assert fewer.parts.tobytes() == whole.parts.tobytes()


def test_who_asks_for_common_words_has_no_vectors_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def search(*given: Any) -> Any:
        asked.append(1)
        return near(*given)

    monkeypatch.setattr("streams.search.finding.near", search)
    here = shop([Goods("guitar strap", text=f"number {n}") for n in range(50)], SearchSettings(pool=20))
    found(here, "guitar strap", vector_of("drum"), ItemFilter())
    assert not asked
    found(here, "drum", vector_of("drum"), ItemFilter())
    assert asked


@pytest.mark.parametrize("title", ["瑞典 图像 查看器 nokia", "visor de imagenes nokia"])
def test_one_known_word_of_a_query_in_another_language_does_not_decide(title: str) -> None:
    """Its meaning does: the item that is meant has no word of it, and others have the name."""
    goods = [*(Goods(f"nokia charger {n}") for n in range(5)), Goods("picture viewer"), Goods("drum")]
    here = shop(goods)
    meant = vector_of("picture viewer")
    assert found(here, title, meant, ItemFilter()).rows[0] == 5
    assert found(here, "nokia charger", meant, ItemFilter()).rows[0] != 5, "what words account for stays"


def test_weights_of_a_query_that_its_words_account_for_are_those_of_the_settings() -> None:
    here = shop([Goods("guitar strap"), Goods("drum stick")])
    pool = found(here, "guitar strap", vector_of("guitar strap"), ItemFilter())
    words, meaning = here.indexed.settings.words, here.indexed.settings.meaning
    np.testing.assert_allclose(
        pool.parts[:2, 0], [words / (words + meaning), meaning / (words + meaning)], 1e-3
    )
