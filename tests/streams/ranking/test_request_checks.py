"""What a caller asks for is refused at the edge, or does what it says, alone and in a batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from model.errors import RequestError, SettingsError
from streams.ranking.degradation import RUNGS
from streams.ranking.request import ItemFilter, Search
from streams.state.catalog import ItemRecord
from tests.streams.core import Small, toy_model, unit

VECTOR = unit(np.arange(1.0, 65.0))
ONE_TEXT: Any = "odd"
WRONG: Any = {"a": 1}


@pytest.fixture
def small() -> Small:
    found = Small(items=60)
    found.random_events(300, users=8, seed=2)
    for row in range(60):
        record = ItemRecord(
            f"i{row}", found.now_ms + 1, categories=["even" if row % 2 == 0 else "odd"], price=float(row)
        )
        found.core.put_item(row, record)
    found.core.serve(toy_model(found.core.pipeline))
    return found


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"size": -1}, "size is -1; expected a whole number from 0 to 200"),
        ({"size": 201}, "size is 201"),
        ({"size": 2.0}, "size is 2.0"),
        ({"size": True}, "size is True"),
        ({"exclude": 3}, "exclude is 3; expected a list"),
        ({"exclude": "12"}, "exclude is '12'; expected a list"),
        ({"exclude": (2**70,)}, "exclude is 1180591620717411303424; expected rows"),
        ({"exclude": (1.5,)}, "exclude is 1.5"),
        ({"exclude": (1,) * 10_001}, "exclude has 10001 entries; expected 10000 at most"),
        ({"score_also": (60,)}, "score_also is 60; expected rows from 0 to 59"),
        ({"score_also": (-1,)}, "score_also is -1"),
        ({"model": None}, "model is None; expected a text"),
        ({"surface": 7}, "surface is 7"),
        ({"complete": 1}, "complete is 1; expected true or false"),
        ({"plan": {}}, r"plan is \{\}; expected a plan"),
        ({"search": "boots"}, "search is 'boots'; expected a `Search`"),
        ({"search": Search("boots", VECTOR[:5])}, r"search.vector is an array float32 \(5,\); expected 64"),
        ({"search": Search("boots", VECTOR * np.float32(np.nan))}, "search.vector is an array"),
        ({"search": Search("boots", VECTOR.astype(np.float64))}, "search.vector is an array float64"),
        ({"filter": {}}, r"filter is \{\}; expected an `ItemFilter`"),
        ({"filter": ItemFilter(categories=ONE_TEXT)}, "filter.categories is 'odd'; expected a list"),
        ({"filter": ItemFilter(categories=("",))}, "filter.categories is ''; expected texts"),
        ({"filter": ItemFilter(tags=("x",) * 10_001)}, "filter.tags has 10001 entries"),
        ({"filter": ItemFilter(attributes=WRONG)}, "filter.attributes is 1; expected texts"),
        ({"filter": ItemFilter(price_from=math.nan)}, "filter.price_from is nan; expected a finite"),
        ({"filter": ItemFilter(price_to=math.inf)}, "filter.price_to is inf"),
        ({"filter": ItemFilter(price_from=2.0, price_to=1.0)}, "filter.price_from is 2.0; expected at most"),
        ({"sise": 5}, "a request has no field 'sise'; expected some of .*size"),
        ({"rung": "best"}, "rung is 'best'; expected one of full, fewer, counters, popular"),
    ],
)
def test_what_cannot_be_is_refused_at_the_edge_with_what_can(
    small: Small, asked: dict[str, Any], what: str
) -> None:
    with pytest.raises(RequestError, match=what):
        small.core.request(small.state("u1"), small.now_ms, **asked)


def test_an_arm_that_nobody_declared_is_named() -> None:
    with pytest.raises(SettingsError, match="arm 'bold' is not declared"):
        Small(items=1).request("u", arm="bold")


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("size", [1, 19, 25, 60, 200])
def test_a_slate_has_the_size_that_is_asked_for_where_there_is_so_much(
    small: Small, rung: Any, size: int
) -> None:
    (slate,) = small.core.recommend([small.request("nobody", rung, size=size)])
    assert len({place.item_id for place in slate.items}) == len(slate.items) == min(size, 60)


def test_a_longer_slate_of_what_is_popular_goes_on_with_what_is_popular(small: Small) -> None:
    draft = small.draft("nobody", "popular", size=30)
    leaders = small.core.counters.popularity.leaders(1)
    assert draft.rows.tolist() == leaders[:30].tolist()
    assert (draft.origin == small.core.pipeline.names.index("popular")).all()


def test_requests_that_ask_for_different_things_do_not_touch_each_other(small: Small) -> None:
    everything = [
        small.request("u1"),
        small.request("u1", size=3),
        small.request("u1", exclude=tuple(range(50))),
        small.request("u1", exclude=(-5, 999, 2**31 - 1)),
        small.request("u1", filter=ItemFilter(categories=("odd", "odd"))),
        small.request("u1", filter=ItemFilter(categories=("none such",))),
        small.request("u1", filter=ItemFilter(price_from=10, price_to=10)),
        small.request("u1", filter=ItemFilter(available=False)),
        small.request("u1", search=Search("", VECTOR)),
        small.request("u1", score_also=(5, 5, 59)),
        small.request("u1", complete=False, size=60),
        small.request("u1", explain=False),
        small.request("u1", model="not here"),
        small.request("u1", surface="", cause=""),
        small.request("u1", "popular", filter=ItemFilter(categories=("even",)), size=60),
        small.request("u1", plan=small.core.plan({"feed": {"size": 1}}), size=2),
    ]
    alone = [small.core.recommend([request])[0] for request in everything]
    assert small.core.recommend(everything) == alone
    assert small.core.recommend(everything[::-1]) == alone[::-1]
    shown = [[int(place.item_id[1:]) for place in slate.items] for slate in alone]
    assert len(shown[1]) == 3
    assert set(shown[2]) <= set(range(50, 60))
    assert shown[3] == shown[0] == shown[7] == shown[11] == shown[12] == shown[13]
    assert all(row % 2 for row in shown[4])
    assert shown[5] == []
    assert set(shown[6]) <= {10}
    assert not any(row % 2 for row in shown[14])
    assert len(shown[15]) == 2
