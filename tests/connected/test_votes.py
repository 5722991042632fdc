"""Two workers' parts on a real store measure an interleaved experiment, and are thrown away in the middle:
the votes in the store are those of a recount from impressions and clicks, to the unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec
import pytest

from streams.experiments.measured import MeasuredExperiment, measured
from streams.settings.connections import RedisSettings
from tests.conftest import patient
from tests.connected.thrown_away import taken
from tests.streams.experiments.recomputed import DAY_MS, Event
from tests.streams.experiments.sums import sums_in
from tests.streams.test_measuring import ITEMS, KNOWN, START_MS

DRAWN = "plain+new"
USERS = ("u1", "u9", "u10")  # of partition 0, also where there are four
RUNNING = measured([MeasuredExperiment("apart", frozenset({DRAWN}), (KNOWN["preference"],))])


def visits(random: Random) -> list[Event]:
    """Users look at slates and click on some of them, also twice, and on what was not shown."""
    events: list[Event] = []
    clocks = dict.fromkeys(USERS, START_MS)
    for n in range(60):
        user = random.choice(USERS)
        clocks[user] += random.choice([40_000, 3_000_000, DAY_MS // 4])
        shown = random.sample(ITEMS, random.randint(1, len(ITEMS)))
        drawn = random.random() < 0.8
        common: dict[str, Any] = {"user_id": user, "slate_id": f"s{n}"}
        impression = common | {"type": "impression", "event_id": f"i{n}", "ts": clocks[user], "items": shown}
        if drawn:
            teams = [random.choice([-1, 0, 1]) for _ in shown]
            impression |= {"arm": f"apart={DRAWN}", "teams": teams}
        events.append(impression)
        for k in range(random.choice([0, 1, 1, 2, 4])):
            clocks[user] += random.choice([0, 5_000])
            action, item = random.choice(["click", "click", "click", "like"]), random.choice(ITEMS)
            click = common | {"type": "click", "event_id": f"c{n}-{k}", "ts": clocks[user]}
            events.append(click | {"item_id": item, "action": action})
    return events


def recounted(events: Iterable[Event]) -> list[int]:
    """Users, the sum of their votes, and the number of votes: a click on a place is a vote for its team, the
    first one on each place.
    """
    team: dict[tuple[str, str], int] = {}
    ahead: dict[str, int] = {}
    clicked: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in events:
        if each["type"] == "impression" and "teams" in each:
            ahead.setdefault(each["user_id"], 0)
            team |= {
                (each["slate_id"], item): its_team
                for item, its_team in zip(each["items"], each["teams"], strict=True)
            }
        elif each["type"] == "click" and each["action"] == "click":
            place, user = (each["slate_id"], each["item_id"]), each["user_id"]
            if place not in clicked[user] and team.get(place, -1) >= 0:
                ahead[user] += 2 * team[place] - 1
            clicked[user].add(place)
    signs = [(value > 0) - (value < 0) for value in ahead.values()]
    return [len(ahead), sum(signs), sum(abs(sign) for sign in signs)]


@pytest.mark.parametrize("seed", range(3))
async def test_workers_that_are_thrown_away_count_no_vote_twice(
    redis_settings: RedisSettings, seed: int
) -> None:
    settings = msgspec.structs.replace(patient(redis_settings), shards=2)
    random = Random(seed)
    events = visits(random)
    stores = await taken(settings, RUNNING, events, random)
    numbers = (await sums_in(stores[0], "apart"))[DRAWN, "preference"]
    assert [numbers[0], numbers[1], numbers[5]] == recounted(events)
    for store in stores:
        await store.close()
