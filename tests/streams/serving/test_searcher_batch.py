"""Searches that are made together come to the same as alone, in one run of the stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from model.errors import HeadraceError, RankerUnreadyError, StoreError
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import ItemFilter, RankRequest
from streams.search.searching import SearchAnswer, SearchAsked, search
from streams.serving.searcher_batch import WaitingSearch, search_all
from streams.state import user_state_codec
from streams.state.user_state import EMPTY
from tests.streams.core import Small, toy_model
from tests.streams.search.catalogue import NOW_MS, Shop, shop, vector_of


def waiting_for(asked: SearchAsked, state: bytes | None = None) -> WaitingSearch:
    return WaitingSearch(lambda: asked, state)


TEXTS = ("guitar strap", "headphones", "", "鞋", "cheap strap", "nothing of this kind")


@pytest.fixture
def stocked() -> Shop:
    made = shop()
    made.core.serve(toy_model(made.core.pipeline))
    return made


def asked_for(made: Shop, text: str, **more: Any) -> SearchAsked:
    understood = made.indexed.understand(text)
    vector = vector_of(understood.to_encode) if understood.to_encode else None
    return SearchAsked(understood, vector, "ann", size=6, cause=text, **more)


def test_together_they_come_to_the_same(stocked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [asked_for(stocked, text) for text in TEXTS]
    asked += [asked_for(stocked, "strap", personal=False), asked_for(stocked, "strap under 10")]
    alone = [search(stocked.core, stocked.indexed, each, EMPTY, NOW_MS) for each in asked]
    runs, execute = [], stocked.core.pipeline.execute

    def counted(requests: Sequence[RankRequest]) -> RankBatch:
        runs.append(len(requests))
        return execute(requests)

    monkeypatch.setattr(stocked.core.pipeline, "execute", counted)
    made = search_all(stocked.core, stocked.indexed, [waiting_for(each) for each in asked], NOW_MS)
    assert runs == [len(asked)]
    assert made.newest < 0
    for one, other in zip(made.answers, alone, strict=True):
        assert isinstance(one, SearchAnswer)
        assert one.slate == other.slate
        assert one.slate.items or other.found == 0
        assert one[3:] == other[3:]
        assert [(part.name, part.values.tolist()) for part in one.parts] == [
            (part.name, part.values.tolist()) for part in other.parts
        ]


def test_words_that_were_searched_beforehand_find_the_same(stocked: Shop) -> None:
    """Whatever is filtered; and not what is of a catalogue that had more items."""
    filters: list[dict[str, Any]] = [
        {},
        {"filter": ItemFilter(price_from=10.0)},
        {"exclude": ("i0",)},
        {"personal": False},
    ]
    for text in (*TEXTS, "strap under 10", "cheap headphones under 1"):
        for more in filters:
            plain = asked_for(stocked, text, **more)
            hits = stocked.indexed.best(plain.understood)
            for each in (hits, hits._replace(rows=hits.rows + len(stocked.core.catalog))):
                ahead = dataclasses.replace(plain, hits=each)
                one, other = (
                    search(stocked.core, stocked.indexed, asked, EMPTY, NOW_MS) for asked in (plain, ahead)
                )
                assert one.slate == other.slate
                assert one[3:] == other[3:]


def test_one_that_fails_takes_no_other_with_it(stocked: Shop) -> None:
    def unread() -> SearchAsked:
        raise ValueError("no vectors today")

    unknown = Small(items=400)
    unknown.act("u", 399)
    waiting = [
        waiting_for(asked_for(stocked, "strap")),
        waiting_for(asked_for(stocked, "strap"), b"\xff\xff"),
        waiting_for(asked_for(stocked, "strap", filter=ItemFilter(price_from=2.0, price_to=1.0))),
        waiting_for(asked_for(stocked, "strap"), user_state_codec.encode(unknown.state("u"))),
        waiting_for(asked_for(stocked, "headphones")),
        WaitingSearch(unread),
    ]
    good, torn, wrong, unmet, other, late = search_all(stocked.core, stocked.indexed, waiting, NOW_MS).answers
    assert isinstance(good, SearchAnswer)
    assert isinstance(other, SearchAnswer)
    assert isinstance(torn, StoreError)
    assert str(late) == "no vectors today"
    assert isinstance(wrong, HeadraceError | SearchAnswer)
    assert isinstance(unmet, RankerUnreadyError)
    whole = search_all(stocked.core, stocked.indexed, waiting, NOW_MS, whole=True)
    assert whole.newest == 399
    assert not any(isinstance(each, SearchAnswer) for each in whole.answers)


def test_where_the_model_fails_the_counters_rank(stocked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    model = stocked.core.pipeline.models.active

    def broken(*_: object) -> object:
        raise FloatingPointError("no score")

    monkeypatch.setattr(model, "score", broken)
    waiting = [waiting_for(asked_for(stocked, text)) for text in ("strap", "headphones")]
    for answer in search_all(stocked.core, stocked.indexed, waiting, NOW_MS).answers:
        assert isinstance(answer, SearchAnswer)
        assert answer.request is not None
        assert (answer.slate.model, answer.request.plan.rung) == ("", "counters")
        assert answer.slate.items


def test_what_is_found_is_completed_for_others(stocked: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [waiting_for(asked_for(stocked, text)) for text in ("leather strap", "zzzz qqqq")]
    noted: list[str] = []
    monkeypatch.setattr(stocked.indexed.queries, "note", lambda text, user: noted.append(text))
    search_all(stocked.core, stocked.indexed, waiting, NOW_MS)
    assert "leather strap" in noted
