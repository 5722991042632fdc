"""A slate's id: the same again for the same request, another one for any other."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from streams.ranking.request import ItemFilter, RankRequest, Search
from streams.settings.ranking import LadderSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import Small, toy_model, unit

ONE, OTHER = unit(np.arange(1.0, 65.0)), unit(np.arange(65.0, 1.0, -1.0))


def small() -> Small:
    ladder = LadderSettings(fewer_pool=200)  # so the stages of "fewer" are those of "full"
    settings = override(Settings(), {"ladder": {"fewer_pool": ladder.fewer_pool}, "arms": {"bold": {}}})
    made = Small(items=40, settings=settings)
    made.announce_all(seed=1)
    made.random_events(100, users=4, seed=2)
    made.core.serve(toy_model(made.core.pipeline))
    return made


DIFFERENT: list[dict[str, Any]] = [
    {},
    {"user": "u2"},
    {"cause": "e1"},
    {"user": "u1|e1"},
    {"now_ms": 1_800_000_000_000},
    {"rung": "fewer"},
    {"rung": "counters"},
    {"arm": "bold"},
    {"size": 5},
    {"surface": "search"},
    {"exclude": (1,)},
    {"exclude": (1, 2)},
    {"score_also": (1,)},
    {"search": Search("boots", ONE)},
    {"search": Search("boots", OTHER)},
    {"search": Search("shoes", ONE)},
    {"filter": ItemFilter(categories=("1",))},
    {"filter": ItemFilter(tags=("1",))},
    {"filter": ItemFilter(attributes={"1": "1"})},
    {"filter": ItemFilter(price_from=1.0)},
    {"filter": ItemFilter(price_to=1.0)},
    {"filter": ItemFilter(available=False)},
    {"complete": False},
    {"explain": False},
]


def id_of(made: Small, asked: dict[str, Any]) -> str:
    fields = {"user": "u1", "cause": "", "rung": "full", "now_ms": made.now_ms, **asked}
    now_ms, rung = fields.pop("now_ms"), fields.pop("rung")
    request = made.core.request(made.state("u1"), now_ms, rung=rung, **fields)
    return made.core.recommend([request])[0].slate_id


def test_slates_that_differ_in_what_made_them_have_different_ids() -> None:
    made = small()
    ids = [id_of(made, asked) for asked in DIFFERENT]
    for (one, first), (other, second) in combinations(zip(ids, DIFFERENT, strict=True), 2):
        assert one != other, (first, second)
    assert ids == [id_of(small(), asked) for asked in DIFFERENT]
    made.core.serve(None)
    assert id_of(made, {}) not in ids


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"size": 20, "filter": ItemFilter(), "exclude": ()}),
        ({"exclude": (3, 1, 3)}, {"exclude": (1, 3)}),
        (
            {"filter": ItemFilter(categories=("a", "b"), attributes={"x": "1", "y": "2"}, price_from=1)},
            {"filter": ItemFilter(categories=("b", "a"), attributes={"y": "2", "x": "1"}, price_from=1.0)},
        ),
    ],
)
def test_what_asks_for_the_same_slate_gives_the_same_id(one: dict[str, Any], other: dict[str, Any]) -> None:
    made = small()
    assert id_of(made, one) == id_of(made, other)


def test_a_request_made_by_hand_has_the_id_of_one_that_the_core_makes() -> None:
    made = small()
    by_hand = RankRequest(
        made.state("u1"), made.now_ms, made.core.arms.declared["default", "full"], user="u1"
    )
    assert made.core.recommend([by_hand])[0].slate_id == id_of(made, {})
