"""A slate on request and experiments: it names only what it is, and what may count."""

from __future__ import annotations

from streams.search.index import SearchIndex
from streams.search.searching import SearchAsked, search
from streams.serving.ranker_asked import Answer, Asked
from streams.serving.ranker_batch import Waiting, rank
from streams.settings.search import SearchSettings
from streams.state import user_state_codec
from streams.state.catalog import ItemRecord
from tests.streams.core import Small
from tests.streams.experiments.declarations import raw, running

NEW = {"stages": {"candidates": {"sources": ["popular"]}}}


def drafting() -> Small:
    small = Small(items=40)
    small.random_events(80, users=4, seed=2)
    declared = raw({"plain": {}, "new": NEW}, design="interleaved", primary="preference")
    small.core.arms.run(running(d=declared))
    return small


def test_a_slate_on_request_is_of_controls_order_and_no_draft() -> None:
    small = drafting()
    state = small.state("u0")
    assert small.core.arms_of("u0", state, small.now_ms) == "d=plain+new"
    waiting = Waiting(Asked("u0", cause="c"), user_state_codec.encode(state))
    (answer,) = rank(small.core, [waiting], small.now_ms).answers
    assert isinstance(answer, Answer)
    plain = small.core.request(state, small.now_ms, rung="counters", user="u0", cause="c", arm="d=plain!")
    assert [answer.slate] == small.core.recommend([plain])
    assert (answer.slate.arm, answer.slate.teams) == ("d=plain!", None)


def test_a_search_counts_for_no_draft_either() -> None:
    small, index = drafting(), SearchIndex(SearchSettings())
    record = ItemRecord("i3", small.now_ms, True, b"", title="Guitar strap")
    small.core.put_item(3, record)
    index.note(3, record)
    index.commit()
    asked = SearchAsked(index.understand("strap"), None, user="u0")
    made = search(small.core, index, asked, small.state("u0"), small.now_ms)
    assert [item.item_id for item in made.slate.items] == ["i3"]
    assert made.slate.arm == "d=plain!"
