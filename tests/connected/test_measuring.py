"""Two workers' parts on a real store take turns with one partition, and are thrown away in the middle: the
arms' sums are those of a recomputation from the events.
"""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from streams.experiments.measured import measured
from streams.settings.connections import RedisSettings
from tests.conftest import patient
from tests.connected.thrown_away import taken
from tests.streams.experiments.recomputed import DAY_MS, recomputed
from tests.streams.experiments.sums import sums_in
from tests.streams.test_measuring import ARMS, METRICS, drawn_events, experiment

WINDOW_MS = 3 * DAY_MS
RUNNING = measured(
    [experiment("ranking"), experiment("look", "click_through", "revenue", window_ms=WINDOW_MS)]
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shards", [1, 4])
async def test_workers_that_are_thrown_away_count_nothing_twice(
    redis_settings: RedisSettings, shards: int, seed: int
) -> None:
    settings = msgspec.structs.replace(patient(redis_settings), shards=shards)
    random = Random(seed)
    events = drawn_events(random)
    names = {"ann": "u1", "bob": "u9", "eve": "u10"}  # of partition 0, also where there are four
    events = [{**each, "user_id": names[each["user_id"]]} for each in events]
    random.shuffle(events)
    stores = await taken(settings, RUNNING, events, random)
    for name, metrics, window_ms in (
        ("ranking", METRICS, None),
        ("look", ("click_through", "revenue"), WINDOW_MS),
    ):
        assert await sums_in(stores[0], name) == recomputed(
            events, name, ARMS[name], metrics, window_ms=window_ms
        )
    for store in stores:
        await store.close()
