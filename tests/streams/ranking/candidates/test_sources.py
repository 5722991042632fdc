"""Each source against the plain sum it stands for, and all of them at the edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from streams.ranking.candidates.asks import NEW_FOR
from streams.ranking.candidates.fresh import WINDOW, Fresh
from streams.ranking.candidates.lists import BatchSource
from streams.ranking.candidates.nearest import Nearest
from streams.ranking.candidates.popular import Popular
from streams.ranking.candidates.source import Source
from streams.ranking.candidates.together import Together
from streams.ranking.candidates.transitions import Transitions
from streams.settings.ranking import CandidateSettings
from streams.settings.tree import Settings
from tests.streams.core import HOUR_MS, START_MS, Small, found_by, naive_best, unit, with_settings

SOURCES: dict[str, Callable[[], Source | BatchSource]] = {
    "together": Together,
    "transitions": Transitions,
    "trending": lambda: Popular("trending", half_life=0),
    "popular": lambda: Popular("popular", half_life=1),
    "nearest": Nearest,
    "fresh": Fresh,
}

HOURLY = with_settings(candidates=CandidateSettings(fresh_half_life_s=3_600.0))


@pytest.fixture
def small() -> Small:
    found = Small(items=40)
    found.announce_all(seed=1)
    found.random_events(400, users=12, seed=2, rated=False)  # ratings have tests of their own
    return found


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("limit", [1, 5, 300])
def test_sources_keep_their_promises(small: Small, name: str, limit: int) -> None:
    """At most `limit` rows, each once, none blocked, the same for the same question."""
    source = SOURCES[name]()
    for user in small.states:
        context = small.context(user, limit)
        found = np.array(found_by(source, context), np.int32)
        assert len(found) <= limit
        assert len(np.unique(found)) == len(found)
        assert not context.blocked[found].any()
        assert found.tolist() == found_by(source, context)
        if name != "fresh":  # which looks at no more than the last 4 * limit rows
            assert found.tolist() == small.find(source, user)[:limit]


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_to_find_is_found_without_complaint(name: str) -> None:
    empty = Small(items=0)
    assert empty.find(SOURCES[name](), "nobody") == []
    quiet = Small(items=3)
    assert quiet.find(SOURCES[name](), "nobody") == ([0, 1, 2] if name == "fresh" else [])
    one = Small(items=1)
    one.act("u", 0)
    assert one.find(SOURCES[name](), "u") == []  # the only item is consumed
    assert one.find(SOURCES[name](), "other") == ([0] if name in ("trending", "popular", "fresh") else [])


@pytest.mark.parametrize("name", SOURCES)
def test_a_user_who_consumed_everything_gets_nothing(small: Small, name: str) -> None:
    for row in range(40):
        small.act("glutton", row)
    assert small.find(SOURCES[name](), "glutton") == []


@pytest.mark.parametrize("name", SOURCES)
def test_what_cannot_be_had_is_not_found(small: Small, name: str) -> None:
    source = SOURCES[name]()
    before = small.find(source, "u1")
    small.announce(before[0], available=False, ts=small.now_ms + 1)
    assert before[0] not in small.find(source, "u1")


def blocked_rows(small: Small, user: str) -> list[int]:
    state = small.state(user)
    return [row for _, keys in state.consumed.groups for row in keys.tolist()]


def histories(small: Small) -> dict[str, list[tuple[int, int]]]:
    """Items and times of each user, oldest first."""
    return {
        user: list(zip(state.items.tolist(), state.times.tolist(), strict=True))
        for user, state in small.states.items()
    }


def test_together_is_the_cosine_of_how_closely_users_met_two_items() -> None:
    """Item-kNN straight from the users' histories: a pair counts one over the root of its distance, where the
    items of one tie are no distance apart; each item's part shrinks with every newer one.
    """
    small = Small(items=12)
    small.random_events(60, users=8, seed=3, rated=False)
    count: dict[int, int] = defaultdict(int)
    close: dict[tuple[int, int], float] = defaultdict(float)
    for met in histories(small).values():
        for at, (row, ts) in enumerate(met):
            count[row] += 1
            tied = sum(before_ts == ts for _, before_ts in met[:at])
            for distance, (before, _) in enumerate(reversed(met[:at])):
                close[before, row] += (1 + max(distance - tied, 0)) ** -0.5
                close[row, before] = close[before, row]
    for user, met in histories(small).items():
        scores: dict[int, float] = defaultdict(float)
        for place, (row, _) in enumerate(reversed(met)):
            for other in range(12):
                if close[row, other]:
                    scores[other] += 0.85**place * close[row, other] / (count[row] * count[other]) ** 0.5
        expected = naive_best(scores, blocked_rows(small, user), 300)
        found = small.find(Together(), user)
        assert sorted(found) == sorted(expected)
        ordered = [scores[row] for row in found]
        assert ordered == pytest.approx(sorted(ordered, reverse=True), rel=1e-5)


def test_transitions_are_shares_of_what_followed_newer_items_first() -> None:
    small = Small(items=12)
    small.random_events(80, users=8, seed=4, rated=False)
    follows: dict[tuple[int, int], float] = defaultdict(float)
    outgoing: dict[int, float] = defaultdict(float)
    for met in histories(small).values():
        for at, (row, ts) in enumerate(met):
            for before, before_ts in met[max(0, at - 10) : at]:
                part = 0.5 if before_ts == ts else 1.0
                follows[before, row] += part
                outgoing[before] += part
                follows[row, before] += 1 - part
                outgoing[row] += 1 - part
    for user, met in histories(small).items():
        scores: dict[int, float] = defaultdict(float)
        for place, (row, _) in enumerate(reversed(met[-10:])):
            for other in range(12):
                if follows[row, other]:
                    share = follows[row, other] / max(outgoing[row], 1.0)
                    scores[other] += share / (1 + place) ** 0.5
        found = small.find(Transitions(), user)
        assert sorted(found) == sorted(naive_best(scores, blocked_rows(small, user), 300))
        ordered = [scores[row] for row in found]
        assert ordered == pytest.approx(sorted(ordered, reverse=True), rel=1e-5)


@pytest.mark.parametrize("column", [0, 1])
def test_popular_is_the_decayed_count(small: Small, column: int) -> None:
    half_life_ms = Settings().counters.half_lives_s[column] * 1_000
    scores: dict[int, float] = defaultdict(float)
    for met in histories(small).values():
        for row, ts in met:
            scores[row] += 0.5 ** ((small.now_ms - ts) / half_life_ms)
    found = small.find(Popular("p", half_life=column), "nobody")
    assert sorted(found) == sorted(scores)
    ordered = [scores[row] for row in found]
    assert ordered == pytest.approx(sorted(ordered, reverse=True), rel=1e-5)


def test_popular_follows_every_event() -> None:
    small, source = Small(items=600), Popular()
    small.act("a", 1)
    small.act("b", 1)
    small.act("c", 2)
    assert small.find(source, "nobody") == [1, 2]
    small.act("d", 2)
    assert small.find(source, "nobody") == [2, 1]
    small.core.meet(["new"], small.now_ms)
    small.act("e", 600)
    assert set(small.find(source, "nobody")) == {1, 2, 600}


def test_popular_cuts_ties_at_the_lower_row() -> None:
    small, source = Small(items=50), Popular()
    for row in (40, 3, 17, 8, 25, 31):
        small.act(f"u{row}", row, ts=START_MS)
    assert small.find(source, "nobody", limit=2) == [3, 8]


def test_nearest_is_the_cosine_to_the_mean_of_the_last_items(small: Small) -> None:
    text = small.core.catalog.text
    for user, met in histories(small).items():
        taste = np.mean([text[row] for row, _ in met[-10:]], axis=0, dtype=np.float64)
        scores = {row: float(text[row] @ taste) for row in range(40)}
        assert small.find(Nearest(), user) == naive_best(scores, blocked_rows(small, user), 300)


def test_nearest_without_texts_finds_nothing() -> None:
    small = Small(items=5)
    small.act("u", 0)
    assert small.find(Nearest(), "u") == []
    small.announce(3, unit(np.ones(64)))
    assert small.find(Nearest(), "u") == []
    small.act("u", 3)
    small.announce(4, unit(np.ones(64)))
    assert small.find(Nearest(), "u") == [4]


def test_fresh_has_the_newest_first_and_lets_them_age() -> None:
    small, source = Small(items=3, settings=HOURLY), Fresh()
    small.core.meet(["later"], START_MS + HOUR_MS)
    small.core.meet(["latest"], START_MS + 2 * HOUR_MS)
    small.now_ms = START_MS + 2 * HOUR_MS
    assert small.find(source, "u") == [4, 3, 0, 1, 2]
    small.now_ms = START_MS + 10 * HOUR_MS + HOUR_MS // 2  # ten half-lives after START_MS it is over
    assert small.find(source, "u") == [4, 3]


def test_each_request_of_a_batch_has_what_is_new_for_it() -> None:
    """Requests of other moments, limits and half-lives than their neighbours."""
    small = Small(items=12, settings=HOURLY)
    for row in range(12):
        small.announce(row, ts=START_MS + row * HOUR_MS)
    asked = [(hours, limit, life) for hours in (5, 30) for limit in (1, 4) for life in (1_800.0, 7_200.0)]
    requests = []
    for hours, limit, life_s in asked:
        candidates = {"per_source": limit, "fresh_half_life_s": life_s}
        plan = small.core.plan(
            {"candidates": candidates, "rescoring": {"enabled": False}, "feed": {"size": 1}}
        )
        requests.append(small.request("u", now_ms=START_MS + hours * HOUR_MS, plan=plan))
    batch, at = small.core.pipeline.gather(requests), small.core.pipeline.names.index("fresh")
    for b, (hours, limit, life_s) in enumerate(asked):
        oldest_h = hours - NEW_FOR * life_s / 3_600.0
        window = range(11, 11 - min(WINDOW * limit, 12), -1)
        expected = [row for row in window if row > oldest_h][:limit]
        assert batch.found.source(at).of(b).tolist() == expected, asked[b]


def test_an_item_announced_after_it_was_met_is_as_new_as_its_announcement() -> None:
    small = Small(items=3, settings=HOURLY)
    small.announce(1, ts=START_MS + HOUR_MS)
    small.now_ms = START_MS + HOUR_MS
    assert small.find(Fresh(), "u") == [1, 0, 2]
