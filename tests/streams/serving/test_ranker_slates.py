"""Slates that were made on request are kept for a while; those of deleted users are not."""

from __future__ import annotations

import gc

import numpy as np

from streams.ranking.score_parts import ScorePart
from streams.ranking.slate import Reason, Slate, SlateItem
from streams.serving.ranker_asked import Answer, Asked
from streams.serving.ranker_slates import RankedSlates
from streams.state.tombstone import digest_of_user


def slate(name: str, user: str) -> Answer:
    return Answer(Slate(name, user, 0, [], "", "full", "default", "", {}))


def test_slates_of_a_deleted_user_go_by_name_and_by_session() -> None:
    kept = RankedSlates(10)
    kept.keep(Asked("ann"), slate("s1", "ann"))
    kept.keep(Asked("bob", session="ann"), slate("s2", "bob"))
    kept.keep(Asked("bob"), slate("s3", "bob"))
    kept.keep(Asked(""), slate("s4", ""))
    kept.forget([digest_of_user("ann"), digest_of_user("")])
    assert [kept.get(name) is None for name in ("s1", "s2", "s3", "s4")] == [True, True, False, False]


def test_all_of_them_go_where_anybody_may_have_been_deleted() -> None:
    kept = RankedSlates(10)
    kept.keep(Asked("ann"), slate("s1", "ann"))
    kept.forget(None)
    assert kept.get("s1") is None


def test_what_is_kept_comes_back_as_it_was_and_the_collector_has_little_to_look_at() -> None:
    places = [SlateItem(f"i{k}", 0.1 * k, "popular", Reason("after", "ü", None)) for k in range(100)]
    assert not gc.is_tracked(places[0])
    assert not gc.is_tracked(places[0].reason)
    made = Slate("s", "ann", 7, places, "m", "full", "a=b", "c", {"made": 1.5}, [0.5] * 100, [1] * 100)
    answer = Answer(made, None, [ScorePart("click", np.arange(100.0))], ("unknown",), ("out",))
    kept, asked = RankedSlates(2_000), Asked("ann", query="q")
    gc.collect()
    before = len(gc.get_objects())
    for k in range(1_000):
        kept.keep(asked, answer._replace(slate=Slate(f"s{k}", "ann", 7, places[:], "m", "full")))
    gc.collect()
    assert len(gc.get_objects()) - before < 5_000
    kept.keep(asked, answer)
    assert kept.get("s") == (asked, answer)
