"""Users are deleted while workers are killed: nothing of before is left, and what came since counts once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

from redis.asyncio import Redis

from streams.events.schema import AnyEvent, Click, Forget
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.tombstone import tombstone_name
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.test_forgetting import held, naming
from tests.connected.worker_process import worker
from tests.failures.test_killed_worker import QUICK, applied

USERS, PORTIONS, KILLS = 40, 120, 3
ENVIRON = {**QUICK, "HEADRACE_REDIS__LEDGER_MARGIN_MS": "0"}
PATIENCE_S = 90


class Players:
    """Users who click, and of whom some are deleted on the way. `since`: what each has clicked since."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self.users = [f"用户-{n:02d}-7f3c9e" for n in range(USERS)]
        self.since: dict[str, list[str]] = {user: [] for user in self.users}
        self.deleted = set[str]()

    def clicks(self, portion: int) -> list[AnyEvent]:
        """Some clicks. The last users to be deleted do nothing any more."""
        found: list[AnyEvent] = []
        for user in self.users:
            if self._draw.random() < 0.5 and not (user in self.deleted and self.is_quiet(user)):
                item = f"商品-{self._draw.randrange(30)}"
                found.append(Click(event_id=f"{portion}-{user}", ts=now_ms(), user_id=user, item_id=item))
                self.since[user].append(item)
        return found

    def is_quiet(self, user: str) -> bool:
        return self.users.index(user) % 4 == 0

    def deletion(self, portion: int) -> Forget:
        user = self._draw.choice([each for each in self.users if self.users.index(each) % 2 == 0])
        self.deleted.add(user)
        self.since[user] = []
        return Forget(event_id=f"forget-{portion}", ts=now_ms(), user_id=user)


def ascii_part(user: str) -> str:
    """What tells a user in a value as `held` writes it: other letters are escaped there."""
    return user.removeprefix("用户-")


async def play(settings: Settings, players: Players) -> None:
    async with producer(settings.kafka) as client:
        for portion in range(PORTIONS):
            await send(client, settings.kafka, players.clicks(portion))
            if portion % 3 == 2:
                await asyncio.sleep(0.01)  # so that nobody acts in the millisecond of their deletion
                await send(client, settings.kafka, [players.deletion(portion)])
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)


async def test_deletions_beside_kills(settings: Settings, store: RedisStore, tmp_path: Path) -> None:
    draw, players = random.Random(3), Players(seed=4)
    playing = asyncio.create_task(play(settings, players))
    with worker(tmp_path, settings.kafka, settings.redis, ENVIRON, "steady"):
        for kill in range(KILLS):
            before = await applied(settings, store)
            with worker(
                tmp_path, settings.kafka, settings.redis, ENVIRON, f"victim-{kill}", wait=False
            ) as victim:
                await eventually(victim.ready, 120)
                await asyncio.sleep(draw.random())
                os.kill(victim.process.pid, signal.SIGKILL)
                assert victim.process.wait(60)
            assert await applied(settings, store) >= before
        await playing
        await wait_until_applied(settings, store)

        assert len(players.deleted) > USERS // 4
        gone = {user for user in players.deleted if not players.since[user]}
        assert gone, "somebody is deleted for good"
        states = dict(zip(players.users, await store.states(players.users), strict=True))
        for user, items in players.since.items():
            raw = states[user]
            if user in gone:
                assert raw is None or not user_state_codec.decode(raw).interactions, user
            else:
                assert raw is not None, user
                assert user_state_codec.decode(raw).interactions == len(items), user

        async with Redis.from_url(settings.redis.url) as server, producer(settings.kafka) as client:
            left = await held(server, settings.redis.prefix)
            assert any(naming(left, ascii_part(user)) for user in players.users if user not in gone)
            async with asyncio.timeout(PATIENCE_S):
                for n in range(10_000):  # others act on, and snapshots drop what the ledger held
                    act = Click(event_id=f"later-{n}", ts=now_ms(), user_id="other", item_id="商品-1")
                    await send(client, settings.kafka, [act])
                    left = await held(server, settings.redis.prefix)
                    if not any(naming(left, ascii_part(user)) for user in gone):
                        break
                    await asyncio.sleep(0.2)
            tombstones = {key.rpartition("forgotten:")[2] for key in left if "forgotten:" in key}
            assert tombstones == {tombstone_name(user) for user in players.deleted}
