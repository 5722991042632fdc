"""Votes of interleaved experiments, from slates that the core makes to the sums: to the unit those of a plain
recomputation from impressions and clicks, for the better ranker, and for nobody where both are alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from streams.batch import Incoming, process
from streams.events.schema import TOPIC_OF, AnyEvent, Click, Impression
from streams.experiments.arm_totals import totals_of
from streams.experiments.interleaving.reading import preference
from streams.experiments.interleaving.votes import Votes, read_votes, votes_of
from streams.experiments.measured import Measured
from streams.experiments.metrics import known_metrics, plain_sums
from streams.experiments.registry.measuring import measured_of
from streams.gateway.impressions import impression_of
from streams.learning.kept_slates import UserSlates
from streams.ranking.slate import Slate
from streams.settings.tree import Settings
from streams.state.fold import Delivery
from streams.state.user_state import UserState
from tests.streams.core import START_MS, Small
from tests.streams.experiments.declarations import raw, running

KNOWN = known_metrics({}, Settings().meanings)
DRAWN = "plain+new"
MINUTE_MS = 60_000
Choose = Callable[[Random, Slate], Iterable[int]]
"""The places that a user clicks."""


class World:
    """Users who look at their slates and click, through the core, event by event."""

    def __init__(self, new: dict[str, Any], seed: int, items: int = 60) -> None:
        self.small = Small(items=items)
        self.small.random_events(150, users=6, seed=2)
        self.registry = running(
            e=raw({"plain": {"stages": {"candidates": {"sources": ["popular"]}}}, "new": new},
                  design="interleaved", primary="preference")
        )  # fmt: skip
        self.small.core.arms.run(self.registry)
        self.measured: Measured = measured_of(self.registry, KNOWN)
        self.random = Random(seed)
        self.states: dict[str, UserState] = {}
        self.kept: dict[str, UserSlates] = {}
        self.slates: dict[str, Slate] = {}
        self.fields: dict[str, int] = defaultdict(int)
        self.events: list[AnyEvent] = []
        self.now_ms, self.offsets = self.small.now_ms + 1, dict.fromkeys(TOPIC_OF.values(), 10_000)

    def take(self, *events: AnyEvent) -> None:
        incoming = []
        for event in events:
            topic = TOPIC_OF[type(event)]
            self.offsets[topic] += 1
            incoming.append(Incoming(event, Delivery(topic, self.offsets[topic]), event.ts))
        out = process(
            self.small.core, incoming, self.states, self.now_ms, "full", kept=self.kept,
            arm_of=self.small.core.arms_of, measured=self.measured,
        )  # fmt: skip
        assert not out.failed
        assert not out.unranked
        self.events += events
        self.states |= out.states
        self.kept |= out.kept
        self.slates |= {slate.user_id: slate for slate in out.slates}
        for field, number in out.arm_sums.get("e", {}).items():
            self.fields[field] += number

    def click(self, user: str, item: str, slate: Slate | None = None, **more: Any) -> Click:
        self.now_ms += self.random.choice([1, MINUTE_MS])
        name = f"{user}-{len(self.events)}-{self.now_ms}"
        slate_id = None if slate is None else slate.slate_id
        return Click(event_id=name, ts=self.now_ms, user_id=user, item_id=item, slate_id=slate_id, **more)

    def visit(self, user: str, choose: Choose, places: int = 8) -> None:
        """A first click brings a slate; it is shown, and the user clicks what they like of it."""
        self.take(self.click(user, f"i{self.random.randrange(60)}", action="view"))
        slate = self.slates[user]
        self.now_ms += 10
        shown = impression_of(slate, places, user, self.now_ms)
        self.take(shown)
        clicks = [self.click(user, slate.items[place].item_id, slate) for place in choose(self.random, slate)]
        for click in clicks:
            self.take(click)

    def votes(self) -> Votes:
        sums = plain_sums(totals_of(self.fields), KNOWN.values())
        return votes_of(sums, DRAWN)


def recounted(events: Iterable[AnyEvent]) -> Votes:
    """Of impressions and clicks alone, as they are on the wire: a click on a place that its slate showed is a
    vote for the team of the place, the first one on each place; a user votes by their difference.
    """
    team: dict[tuple[str, str], int] = {}
    users: dict[str, int] = {}
    ahead: dict[str, int] = defaultdict(int)
    clicked = set()
    told = [msgspec.to_builtins(event) for event in events]
    for event in told:
        if event["type"] == "impression" and DRAWN in event["arm"]:
            users.setdefault(event["user_id"], 0)
            for item, its_team in zip(event["items"], event["teams"], strict=True):
                team.setdefault((event["slate_id"], item), its_team)
    for event in told:
        if event["type"] == "click" and event["action"] == "click":
            place = event.get("slate_id"), event["item_id"]
            if place not in clicked and team.get(place, -1) >= 0:
                ahead[event["user_id"]] += 2 * team[place] - 1
            clicked.add(place)
    signs = [int(np.sign(ahead[user])) for user in users]
    return Votes(len(users), signs.count(1), signs.count(-1))


def any_places(random: Random, slate: Slate) -> list[int]:
    """Whatever stands there, also twice."""
    return [random.randrange(8) for _ in range(random.choice([0, 1, 1, 2, 4]))]


def liked(random: Random, slate: Slate) -> list[int]:
    """The first place with an item that is liked: those of low numbers, which the popular ones are."""
    return [place for place, item in enumerate(slate.items[:8]) if int(item.item_id[1:]) < 12][:1]


FRESH = {"stages": {"candidates": {"sources": ["fresh"]}}}


@pytest.mark.parametrize("seed", range(3))
def test_the_sums_are_those_of_a_recount_from_the_wire(seed: int) -> None:
    world = World(FRESH, seed)
    for _ in range(40):
        world.visit(f"v{world.random.randrange(15)}", any_places)
    assert world.votes() == recounted(world.events)
    assert min(world.votes()) > 0
    assert all(slate.teams is not None for slate in world.slates.values())


def test_the_order_in_which_click_and_impression_come_means_nothing() -> None:
    world = World(FRESH, 1)
    world.take(world.click("ann", "i5", action="view"))
    slate = world.slates["ann"]
    shown = impression_of(slate, 8, "ann", world.now_ms)
    click = world.click("ann", slate.items[0].item_id, slate)
    world.take(click)
    assert world.votes() == Votes(0, 0, 0)
    world.take(shown)
    assert slate.teams is not None
    assert world.votes() == Votes(1, slate.teams[0], 1 - slate.teams[0]) == recounted(world.events)


def test_an_app_that_sends_impressions_of_its_own_need_not_say_the_teams() -> None:
    world = World(FRESH, 5)
    world.take(world.click("ann", "i5", action="view"))
    slate = world.slates["ann"]
    items = [slate.items[place].item_id for place in (3, 0)]  # what was in view
    world.take(
        Impression(event_id="own", ts=world.now_ms, user_id="ann", slate_id=slate.slate_id, items=items)
    )
    world.take(world.click("ann", items[0], slate))
    assert slate.teams is not None
    assert world.votes() == Votes(1, slate.teams[3], 1 - slate.teams[3])


def test_what_is_no_vote() -> None:
    world = World(FRESH, 2)
    world.take(world.click("ann", "i5", action="view"))
    slate = world.slates["ann"]
    world.take(impression_of(slate, 4, "ann", world.now_ms))
    first, hidden = slate.items[0].item_id, slate.items[6].item_id
    click = world.click("ann", first, slate)
    world.take(world.click("ann", first, slate, action="dislike"), world.click("ann", hidden, slate))
    assert world.votes() == Votes(1, 0, 0)
    world.take(click, click)  # the second one has come before
    world.take(world.click("ann", first, slate))  # the same place again
    moments = world.states["ann"].sums.moments
    assert sum(moment.code == 257 for moment in moments) == 1
    late = world.click("bob", "i7", action="view")
    world.take(late)
    world.take(impression_of(world.slates["bob"], 8, "bob", world.now_ms))
    shown = world.slates["bob"]
    world.now_ms += 31 * MINUTE_MS  # longer than a slate waits
    world.take(world.click("bob", shown.items[0].item_id, shown))
    assert sum(world.votes()[1:]) == 1


def test_the_planted_better_ranker_wins() -> None:
    """Users like what is popular, and see popular items against new ones."""
    world, points = World(FRESH, 7), []
    for number in range(80):
        world.visit(f"v{number % 40}", liked)
        points.append(world.votes())
    reading = read_votes("new", "plain", points, 0.05)
    assert reading.users == 40
    assert reading.state == "worse"
    assert reading.high < 0.5


def test_nobody_wins_where_users_do_not_look() -> None:
    """Two arms alike, and users who click places whatever stands there: the teams are even on average."""
    world, ahead = World({"stages": {"candidates": {"sources": ["popular"]}}}, 11), []
    for number in range(120):
        user = f"v{number}"
        world.visit(user, lambda random, _: [random.randrange(3)])
        ahead.append(sum(2 * m.amounts[0] - 1 for m in world.states[user].sums.moments if m.code == 257))
    assert abs(np.mean(ahead)) < 4.5 * np.std(ahead) / np.sqrt(len(ahead))
    votes = world.votes()
    assert votes.cast == 120
    expected = preference(np.array([-1.0] * votes.control + [1.0] * votes.arm))
    found = read_votes("new", "plain", [votes], 0.05)
    assert (found.low, found.high) == (expected.low, expected.high)
    assert found.share == pytest.approx(expected.share)


def test_a_user_of_one_vote_each_is_read_as_the_sign_test_reads_signs() -> None:
    signs = np.random.default_rng(4).choice([1.0, -1.0, 0.0], 300, p=[0.5, 0.3, 0.2])
    points = [
        Votes(n, int((signs[:n] > 0).sum()), int((signs[:n] < 0).sum())) for n in range(1, len(signs) + 1)
    ]
    found, expected = read_votes("b", "a", points, 0.05), preference(signs)
    assert (found.for_arm, found.for_control, found.undecided) == expected[:3]
    assert (found.low, found.high) == (expected.low, expected.high)
    assert found.p == pytest.approx(expected.p)
    assert {"better": "first", "worse": "second", "open": ""}[found.state] == expected.verdict


def test_impressions_say_the_teams() -> None:
    world = World(FRESH, 3)
    world.take(world.click("ann", "i5", action="view"))
    slate = world.slates["ann"]
    shown = impression_of(slate, 5, "ann", START_MS)
    assert isinstance(shown, Impression)
    assert slate.teams is not None
    assert shown.teams == slate.teams[:5]
