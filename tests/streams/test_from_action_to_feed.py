"""From what a user says of an item to their feed: it goes or stays, what is close to it falls or rises."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from model.actions import ACTIONS, code_of
from model.schema import F32
from streams.events.schema import Click, Review
from streams.ranking.aversion import aversion
from streams.ranking.degradation import Rung
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.action_meaning import ActionSettings, built_in
from streams.state.fold import Delivery
from streams.state.user_state import UserState
from tests.streams.core import START_MS, Small, toy_model, unit, with_settings

GROUP = 8
"""Items 0 to 7 go together, and 8 to 15; the others with nothing."""
ITEMS = 40
MODELS = [False, True]
OWN = {
    "wish": ActionSettings(liking=1.0),
    "boring": ActionSettings(counts=0.0, says="negative", liking=-1.5, blocks=True),
}
NEVER_BACK = ["dislike", "hide", "report", "boring"]
LIKED = ["like", "share", "bookmark", "follow", "wish"]


def settings(repeat: bool = False, actions: dict[str, ActionSettings] = OWN) -> Settings:
    feed = msgspec.structs.replace(Settings().feed, size=ITEMS, repeat=repeat, fresh_place=0)
    return with_settings(feed=feed, actions={**built_in(), **actions})


def told(repeat: bool = False, model: bool = False, texts: bool = False) -> Small:
    """A core that has seen two groups of users, each with items of their own."""
    small = Small(items=ITEMS, settings=settings(repeat))
    rng = np.random.default_rng(5)
    for n in range(24):
        first = GROUP * (n % 2)
        for row in rng.permutation(GROUP)[:6].tolist():
            small.act(f"u{n}", first + row)
        small.act(f"u{n}", int(rng.integers(2 * GROUP, ITEMS)))
    if texts:
        for row in range(ITEMS):
            small.announce(row, text_of(row))
    if model:
        small.core.serve(toy_model(small.core.pipeline))
    return small


def text_of(row: int) -> F32:
    """Items of a group are about the same."""
    vector = np.random.default_rng(row).normal(size=64) * 0.3
    vector[min(row // GROUP, 2)] += 5.0
    return unit(vector)


def feed(small: Small, user: str, rung: Rung = "full") -> list[int]:
    (slate,) = small.core.recommend([small.request(user, rung, cause="e")])
    return [small.core.catalog.rows[place.item_id] for place in slate.items]


def averted(small: Small, rows: list[int]) -> F32:
    """How close rows are to what the user did not like."""
    batch = small.core.pipeline.gather([small.request("me")])
    totals, places = small.core.counters.popularity.total, small.core.pipeline.workspace.places
    mine, offsets = np.zeros(1, np.int64), np.array([0, len(rows)])
    these = np.array(rows, np.int32)
    return aversion(batch.context, mine, offsets, these, these, totals, places)


def depth(rows: list[int], group: int) -> float:
    """The mean place of a group's items; those that are not on the slate stand behind it."""
    mine = range(GROUP * group, GROUP * (group + 1))
    return float(np.mean([rows.index(row) if row in rows else len(rows) for row in mine]))


def say(small: Small, action: str, row: int, user: str = "me", rating: float | None = None) -> None:
    if rating is None:
        small.act(user, row, action=action)
    else:
        small.act(user, row, rating=rating)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("action", NEVER_BACK)
def test_what_is_not_wanted_never_comes_back(action: str, repeat: bool, model: bool) -> None:
    small = told(repeat, model)
    assert 3 in feed(small, "me")
    say(small, action, 3)
    for rung in ("full", "fewer", "counters", "popular"):
        assert 3 not in feed(small, "me", rung)
    for row in (20, 21, 22):
        say(small, "click", row)
    assert 3 not in feed(small, "me")


@pytest.mark.parametrize("model", MODELS)
def test_a_low_rating_is_a_dislike(model: bool) -> None:
    small = told(repeat=True, model=model)
    say(small, "review", 3, rating=1.0)
    assert 3 not in feed(small, "me")
    say(small, "review", 4, rating=3.0)
    assert 4 in feed(small, "me")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("action", "rating"), [*((name, None) for name in [*NEVER_BACK, "skip"]), ("", 1.0)])
def test_what_is_close_to_it_falls(action: str, rating: float | None, model: bool) -> None:
    """Before, both groups are liked alike."""
    small = told(model=model)
    for row in (0, 8, 1, 9):
        say(small, "click", row)
    before = feed(small, "me")
    for row in (2, 3):
        say(small, action, row, rating=rating)
    after = feed(small, "me")
    assert depth(after, 0) > depth(before, 0)
    assert depth(after, 0) > depth(after, 1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("action", "rating"), [*((name, None) for name in LIKED), ("", 5.0)])
def test_what_is_close_to_what_is_liked_rises(action: str, rating: float | None, model: bool) -> None:
    small = told(model=model)
    for row in (0, 8):
        say(small, "click", row)
    before = feed(small, "me")
    say(small, action, 2, rating=rating)
    say(small, action, 3, rating=rating)
    after = [row for row in feed(small, "me") if row not in (2, 3)]
    mine = [row for row in range(GROUP) if row not in (0, 2, 3)]
    assert np.mean([after.index(row) for row in mine]) < np.mean([before.index(row) for row in mine])


@pytest.mark.parametrize("model", MODELS)
def test_a_stranger_who_only_dislikes_sees_less_of_its_kind(model: bool) -> None:
    """Nothing liked is there to compare with: what is popular stays, what is close to it goes behind."""
    small = told(model=model)
    before = feed(small, "me")
    say(small, "dislike", 3)
    after = feed(small, "me")
    assert depth(after, 0) > depth(before, 0)
    assert model or depth(after, 1) < depth(after, 0)  # the toy model has likings of its own


@pytest.mark.parametrize("model", MODELS)
def test_texts_keep_back_what_nobody_has_met(model: bool) -> None:
    small = told(model=model, texts=True)
    small.core.meet(["like it", "unlike it"], small.now_ms)
    rows = [small.core.catalog.rows[name] for name in ("like it", "unlike it")]
    small.announce(rows[0], text_of(1))
    small.announce(rows[1], text_of(9))
    say(small, "click", 30)
    assert not averted(small, rows).any()
    say(small, "hide", 3)
    near, far = averted(small, rows).tolist()
    assert near > 0.5
    assert far == 0.0


@pytest.mark.parametrize("lifts", LIKED)
def test_what_is_said_last_holds(lifts: str) -> None:
    small = told(repeat=True)
    say(small, "dislike", 3)
    assert 3 not in feed(small, "me")
    say(small, "click", 3)  # a weak sign
    assert 3 not in feed(small, "me")
    say(small, lifts, 3)
    assert 3 in feed(small, "me")
    say(small, "report", 3)
    assert 3 not in feed(small, "me")


def test_the_user_s_later_like_raises_again_what_is_close() -> None:
    small, liked = told(), told()
    for each in (small, liked):
        say(each, "click", 8)
    say(small, "dislike", 3)
    fallen = depth(feed(small, "me"), 0)
    for each in (small, liked):
        say(each, "like", 3)
    assert depth(feed(small, "me"), 0) < fallen
    assert not averted(small, [3]).any()


@pytest.mark.parametrize(
    ("first", "late", "comes_back"), [("like", "dislike", True), ("dislike", "like", False)]
)
def test_what_comes_late_changes_nothing_that_was_said_later(first: str, late: str, comes_back: bool) -> None:
    small = told(repeat=True)
    now = small.now_ms
    small.act("me", 3, action=first, ts=now + 5_000)
    small.act("me", 3, action=late, ts=now + 1_000)
    assert (3 in feed(small, "me")) == comes_back


@pytest.mark.parametrize("action", ["dislike", "share", "wish", "boring", "skip"])
def test_a_redelivered_event_changes_nothing(action: str) -> None:
    small = told()
    event = Click(event_id="once", ts=small.now_ms + 1, user_id="me", item_id="i3", action=action)
    once = small.core.apply(UserState(), event, Delivery("clicks", 7), None)
    counted = small.core.counters.popularity.total.copy()
    again = small.core.apply(once.state, event, Delivery("clicks", 7), None)
    other = small.core.apply(once.state, event, Delivery("clicks", 8), None)
    assert (again.skipped, other.skipped) == ("offset", "duplicate")
    assert again.state.consumed == other.state.consumed == once.state.consumed
    np.testing.assert_array_equal(small.core.counters.popularity.total, counted)


@pytest.mark.parametrize("action", ["skip", "dislike", "hide", "report", "boring"])
def test_a_negative_adds_nothing_to_what_is_popular_or_goes_together(action: str) -> None:
    small = told()
    totals, pairs = small.core.counters.popularity.total.copy(), small.core.counters.pairs.count.copy()
    say(small, "click", 20)
    middle = small.core.counters.pairs.count.copy()
    say(small, action, 3)
    np.testing.assert_array_equal(small.core.counters.pairs.count, middle)
    assert small.core.counters.popularity.total[3] == totals[3]
    say(small, "click", 21)  # goes together with 20 alone
    gained = {int(row) for row in np.flatnonzero(small.core.counters.popularity.total != totals)}
    assert gained == {20, 21}
    small.core.counters.pairs.grow(ITEMS)
    lengths = small.core.counters.pairs.length
    assert lengths[3] == told().core.counters.pairs.length[3]
    assert pairs.shape == middle.shape


def test_a_low_rating_adds_half() -> None:
    small = told()
    totals = small.core.counters.popularity.total[:5].copy()
    say(small, "", 3, rating=2.0)
    say(small, "", 4, rating=4.0)
    assert (small.core.counters.popularity.total[:5] - totals).tolist() == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert small.core.counters.popularity.rating_count[3] == 1


def test_what_is_not_consumed_may_come_back() -> None:
    small = Small(items=20, settings=settings(actions={"peek": ActionSettings(consumes=False)}))
    for n in range(6):
        small.act(f"u{n}", n % 3)
    say(small, "peek", 1)
    assert 1 in feed(small, "me")
    say(small, "click", 1)
    assert 1 not in feed(small, "me")


@pytest.mark.parametrize(
    ("value", "counts_as"), [(None, "play"), (3.0, "skip"), (29.9, "skip"), (30.0, "play"), (-1.0, "play")]
)
def test_a_play_that_was_broken_off_is_a_skip(value: float | None, counts_as: str) -> None:
    small = Small(items=5, settings=settings(actions={"play": ActionSettings(value="seconds", least=30.0)}))
    event = Click(event_id="e", ts=START_MS, user_id="me", item_id="i3", action="play", value=value)
    done = small.core.apply(UserState(), event, Delivery("clicks", 0), None).interaction
    assert done is not None
    assert done.action == code_of(counts_as)


def test_a_reason_names_nothing_that_was_not_liked() -> None:
    small = told(texts=True)
    say(small, "click", 1)
    say(small, "dislike", 0)
    (slate,) = small.core.recommend([small.request("me", cause="e")])
    named = {place.reason.item_id for place in slate.items if place.reason.item_id is not None}
    assert named == {"i1"}


def test_what_is_no_longer_declared_stays_readable() -> None:
    """A state, a ledger and a slate after [actions.boring] is gone from the settings."""
    small = told()
    say(small, "boring", 3)
    say(small, "click", 20)
    raw = user_state_codec.encode(small.state("me"))
    later = Small(items=ITEMS, settings=settings(actions={}))
    later.states["me"] = user_state_codec.decode(raw)
    later.core.serve(toy_model(later.core.pipeline))
    later.now_ms = small.now_ms
    assert 3 not in feed(later, "me")  # it was met
    review = Review(event_id="r", ts=small.now_ms + 1, user_id="me", item_id="i21", rating=4.0)
    assert later.core.apply(later.states["me"], review, Delivery("reviews", 0), None).interaction is not None


def test_beyond_its_bytes_a_state_still_knows_what_never_comes_back() -> None:
    small = told(repeat=True)
    state = small.state("me")
    tight = msgspec.structs.replace(Settings().state, consumed_bytes=200)
    small.core.settings = msgspec.structs.replace(small.core.settings, state=tight)
    small.core.meet([f"more{n}" for n in range(400)], small.now_ms)
    small.states["me"] = state
    say(small, "dislike", 3)
    for row in range(ITEMS, ITEMS + 400):
        say(small, "click", row)
    kept = user_state_codec.decode(user_state_codec.encode(small.state("me")))
    small.states["me"] = msgspec.structs.replace(kept)
    assert 3 not in feed(small, "me")
    assert len(feed(small, "me")) == ITEMS  # all but it may repeat


def test_codes_stay_what_they_are() -> None:
    """They are in states, ledgers and shards."""
    assert ACTIONS[:8] == ("view", "click", "cart", "purchase", "play", "like", "skip", "review")
    assert [code_of(name) for name in ("dislike", "hide", "share", "bookmark", "follow", "report")] == [
        8, 9, 10, 11, 12, 13,
    ]  # fmt: skip
    assert (code_of("wishlist"), code_of("finish_chapter")) == (239, 109)
    forward, backward = settings(), settings(actions=dict(reversed(OWN.items())))
    assert forward.meanings.codes == backward.meanings.codes
