"""What may not be recommended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.actions import ACTIONS
from streams.ranking.filters.asked_for import AskedFor
from streams.ranking.filters.consumed import Consumed
from streams.ranking.filters.excluded import Excluded
from streams.ranking.filters.rule import Rule
from streams.ranking.filters.unavailable import Unavailable
from streams.ranking.request import ItemFilter
from streams.state.catalog import ItemRecord
from streams.state.consumed import UNKNOWN
from streams.state.consumed import Consumed as Met
from streams.state.user_state import UserState
from tests.streams.core import START_MS, Small


def marked(
    rule: Rule, state: UserState, small: Small, plan: Mapping[str, Any] = {}, **asked: Any
) -> list[int]:
    """The rows that a rule marks for a request, three beyond the catalog among them."""
    mask = np.zeros(len(small.core.catalog) + 3, np.uint8)
    request = small.core.request(state, small.now_ms, plan=small.core.plan(plan), **asked)
    if rule.enable(request):
        rule.mark(request, small.core.catalog, mask)
    return np.flatnonzero(mask).tolist()


def repeating(repeat: bool | list[str]) -> dict[str, Any]:
    return {"feed": {"repeat": repeat}}


def rows(*numbers: int) -> NDArray[np.int32]:
    return np.array(numbers, np.int32)


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (False, [1, 3, 5]),
        ([], [1, 3, 5]),
        (["view"], [3, 5]),
        (["view", "cart"], [3, 5]),
        (["purchase"], [1, 3]),
        (["view", "purchase"], [3]),
    ],
)
def test_items_met_by_an_action_that_lets_none_come_back_are_blocked(
    repeat: bool | list[str], expected: list[int]
) -> None:
    """Item 3 was viewed and bought, and met by an action that was not noted; 1 was viewed only, 5 bought."""
    small = Small(items=6)
    view, buy = ACTIONS.index("view"), ACTIONS.index("purchase")
    state = UserState(consumed=Met(((view, rows(1, 3)), (buy, rows(3, 5)), (UNKNOWN, rows(3)))))
    assert marked(Consumed(), state, small, repeating(repeat)) == expected


def test_a_filter_in_place_of_rows_blocks_at_least_what_was_met() -> None:
    small = Small(items=3_000)
    met = np.arange(0, 3_000, 7, dtype=np.int32)
    state = UserState(consumed=Met(((1, met),)).fitted(100))
    assert state.consumed.hash_bits
    found = marked(Consumed(), state, small)
    assert {*met.tolist()} <= {*found} < {*range(3_003)}
    assert [row for row in range(3_003) if state.has_consumed(row)] == found


def test_unavailable_items_are_blocked_until_they_are_back() -> None:
    small = Small(items=6)
    small.announce(2, available=False, ts=START_MS + 1)
    assert marked(Unavailable(), UserState(), small) == [2]
    small.announce(2, available=True, ts=START_MS + 2)
    assert marked(Unavailable(), UserState(), small) == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=30),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 12),
)
def test_what_is_blocked_is_what_can_not_be_had_however_it_is_marked(
    told: list[tuple[int, bool]], scattered: float, late: int
) -> None:
    """Few rows are marked one by one, many by a look at all items. `late`: items that come in between."""
    small, expected = Small(items=10), set[int]()
    for n, (row, available) in enumerate(told, 1):
        small.announce(row, available=available, ts=START_MS + n)
        (expected.discard if available else expected.add)(row)
    small.core.meet([f"late {n}" for n in range(late)], START_MS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.ranking.filters.unavailable.SCATTERED", scattered)
        assert marked(Unavailable(), UserState(), small) == sorted(expected)
        small.core.catalog.revise_all()
        assert marked(Unavailable(), UserState(), small) == sorted(expected)


def test_what_one_request_blocks_behind_the_last_item_blocks_no_item_that_comes_there_later() -> None:
    """A filter of hashes marks rows that no item has yet."""
    small, late = Small(items=3_000), [f"late {n}" for n in range(100)]
    small.core.pipeline.workspace.grow([*small.core.catalog.ids, *late])  # there is room for them
    met = np.random.default_rng(1).permutation(3_000)[:400].astype(np.int32)
    state = UserState(consumed=Met(((1, np.sort(met)),)).fitted(100))
    assert state.consumed.hash_bits
    small.core.pipeline.gather([small.core.request(state, START_MS)])
    small.core.meet(late, START_MS)
    masks = small.core.pipeline.gather([small.core.request(UserState(), START_MS)]).context.blocked
    assert not masks[0, :3_100].any()


def test_the_masks_of_a_batch_are_made_anew_for_every_user() -> None:
    small = Small(items=4)
    small.announce(3, available=False, ts=START_MS + 1)
    met = UserState(consumed=Met(((1, rows(0)),)))
    requests = [small.core.request(state, START_MS) for state in (met, UserState(), met)]
    for _ in range(2):
        masks = small.core.pipeline.gather(requests).context.blocked[:, :4]
        assert masks.tolist() == [[1, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 1]]


def test_with_repeat_consumed_items_may_come_back() -> None:
    small = Small(items=3)
    state = UserState(consumed=Met(((1, rows(0, 2)),)))
    assert marked(Consumed(), state, small, repeating(True)) == []


def test_a_request_may_exclude_items_by_name() -> None:
    small = Small(items=5)
    assert marked(Excluded(), UserState(), small) == []
    assert marked(Excluded(), UserState(), small, exclude=(1, 3, 3, -1, 99)) == [1, 3]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (ItemFilter(), {0, 1, 2, 3, 4}),
        (ItemFilter(categories=("shoes",)), {0, 1}),
        (ItemFilter(categories=("shoes", "hats")), {0, 1, 2}),
        (ItemFilter(categories=("coats",)), set()),
        (ItemFilter(tags=("red",)), {0, 2}),
        (ItemFilter(tags=("red", "new")), {2}),
        (ItemFilter(attributes={"size": "M"}), {0, 3}),
        (ItemFilter(attributes={"size": "M", "fit": "slim"}), {3}),
        (ItemFilter(price_from=10.0), {0, 1, 3}),
        (ItemFilter(price_from=10.0, price_to=20.0), {0, 1}),
        (ItemFilter(price_to=0.0), {2}),
        (ItemFilter(categories=("shoes",), tags=("red",), price_to=10.0), {0}),
    ],
)
def test_a_request_may_ask_for_categories_tags_attributes_and_prices(
    asked: ItemFilter, shown: set[int]
) -> None:
    """Item 4 was met and never announced: nothing is known of it."""
    small = Small(items=5)
    told: list[dict[str, Any]] = [
        {"categories": ["shoes"], "tags": ["red"], "attributes": {"size": "M"}, "price": 10.0},
        {"categories": ["shoes"], "tags": ["new"], "attributes": {"size": "L"}, "price": 20.0},
        {"categories": ["hats"], "tags": ["red", "new"], "price": 0.0},
        {"attributes": {"size": "M", "fit": "slim"}, "price": 30.0},
    ]
    for row, item in enumerate(told):
        small.core.put_item(row, ItemRecord(f"i{row}", START_MS, **item))
    found = marked(AskedFor(), UserState(), small, filter=asked)
    assert {row for row in range(5) if row not in found} == shown


def test_what_can_not_be_had_may_be_asked_for() -> None:
    small = Small(items=3)
    small.announce(1, available=False, ts=START_MS + 1)
    anything = ItemFilter(available=False)
    assert small.core.slate(small.draft("u")).items != []
    assert "i1" not in {place.item_id for place in small.core.slate(small.draft("u")).items}
    assert "i1" in {place.item_id for place in small.core.slate(small.draft("u", filter=anything)).items}
