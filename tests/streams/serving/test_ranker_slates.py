"""Slates that were made on request are kept for a while; those of deleted users are not."""

from __future__ import annotations

from streams.ranking.slate import Slate
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
