"""Experiments on a running worker: declared, started, in slates, an arm stopped, shipped, taken back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from streams.commands.main import main
from streams.events.schema import Click, Impression
from streams.experiments.assignment.arm_text import counted_in, served_by
from streams.gateway.impressions import impression_of
from streams.ranking import slate as stored_slate
from streams.ranking.slate import Slate
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer, send, wait_until_applied
from tests.connected.worker_process import worker

USERS = [f"user-{n}" for n in range(60)]
ITEMS = 40
"""More than a user clicks, however often a slow machine is asked again."""

DECLARED = """
[experiments.length]
hypothesis = "A short slate is read to its end."
control = "plain"
primary = "click_through"
users = 1000
minimum_effect = 0.05
testers = {user-0 = "short"}

[experiments.length.arms.plain]

[experiments.length.arms.short.stages.feed]
size = 3

[experiments.fresh]
hypothesis = "Nobody misses what is new."
control = "with"
primary = "click_through"
users = 1000
minimum_effect = 0.05

[experiments.fresh.arms.with]

[experiments.fresh.arms.without.stages.feed]
fresh_place = 0
"""


INTERLEAVED = """
[experiments.apart]
hypothesis = "Users like what is new."
design = "interleaved"
control = "plain"
primary = "preference"
users = 1000
minimum_effect = 0.05

[experiments.apart.arms.plain.stages.candidates]
sources = ["popular"]

[experiments.apart.arms.new.stages.candidates]
sources = ["fresh"]
"""


async def test_a_newcomers_way_through_an_experiment(
    settings: Settings, store: RedisStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slates carry the arms and are made by them within two seconds of each command."""
    file, declared = tmp_path / "settings.toml", tmp_path / "experiments.toml"
    file.write_text(
        f'[redis]\nurl = "{settings.redis.url}"\nprefix = "{settings.redis.prefix}"\ntimeout_ms = 20000\n'
    )
    declared.write_text(DECLARED)

    async def run(*words: str) -> str:
        assert await asyncio.to_thread(main, ["experiments", *words, "--settings", str(file)]) == 0
        return capsys.readouterr().out

    with worker(tmp_path, settings.kafka, settings.redis) as running:
        asked = 0

        async def slates() -> dict[str, Slate]:
            """A slate of each user, made now."""
            nonlocal asked
            asked += 1
            async with producer(settings.kafka) as client:
                events = [
                    Click(
                        event_id=f"{asked}-{user}",
                        ts=now_ms(),
                        user_id=user,
                        item_id=f"item-{(n + asked) % ITEMS}",
                    )
                    for n, user in enumerate(USERS)
                ]
                await send(client, settings.kafka, events)
            await wait_until_applied(settings, store)
            read = await store.read_feeds(USERS)
            return {
                user: stored_slate.decode(raw) for user, raw in zip(USERS, read.feeds, strict=True) if raw
            }

        def in_force(*names: str) -> bool:
            said = [line for line in running.log().splitlines() if "experiments in force" in line]
            return bool(said) and said[-1].endswith(", ".join(names) or "none")

        assert {slate.arm for slate in (await slates()).values()} == {"default"}
        await run("declare", str(declared))
        await run("start", "length")
        await run("start", "fresh")
        await eventually(lambda: in_force("fresh", "length"))

        by_arm: dict[str, list[Slate]] = {}
        drawn = await slates()
        for user, slate in drawn.items():
            served = {each.key: each for each in served_by(slate.arm)}
            assert set(served) == {"fresh", "length"}
            assert served["length"].counts == (user != "user-0")
            by_arm.setdefault(served["length"].arm, []).append(slate)
        assert set(by_arm) == {"plain", "short"}
        assert min(map(len, by_arm.values())) > len(USERS) / 6
        assert {len(slate.items) for slate in by_arm["short"]} == {3}
        assert min(len(slate.items) for slate in by_arm["plain"]) > 3
        async with producer(settings.kafka) as client:
            impressions = [
                Impression(
                    event_id=f"seen-{user}",
                    ts=now_ms(),
                    user_id=user,
                    slate_id=slate.slate_id,
                    items=[each.item_id for each in slate.items],
                    arm=slate.arm,
                )
                for user, slate in drawn.items()
            ]
            await send(client, settings.kafka, impressions)
        await wait_until_applied(settings, store)
        shown = json.loads(await run("show", "length", "--json"))
        counted = [pair for slate in drawn.values() for pair in counted_in(slate.arm)]
        drawn_to = {arm: counted.count(("length", arm)) for arm in by_arm}
        assert shown["reading"]["mismatch"]["users"] == drawn_to
        assert sum(drawn_to.values()) == len(USERS) - 1, "a tester counts nowhere"

        again = await slates()
        assert {user: slate.arm for user, slate in again.items()} == {
            user: slate.arm for user, slate in drawn.items()
        }

        await run("stop", "length", "--arm", "short", "--because", "guardrail")

        async def falls() -> bool:
            """The worker has heard of it: of the slates made now, some have what takes the arm's place."""
            return any("length=plain!" in slate.arm for slate in (await slates()).values())

        await eventually(falls)
        fallen = await slates()
        for user, slate in fallen.items():
            if "length=short" in drawn[user].arm and user != "user-0":
                assert "length=plain!" in slate.arm
                assert len(slate.items) > 3
            else:
                assert slate.arm == drawn[user].arm

        assert "fresh_place = 0" in await run("ship", "fresh", "--arm", "without")
        await run("stop", "length")
        await eventually(lambda: in_force("fresh"))
        after = await slates()
        assert {slate.arm for slate in after.values()} == {"default"}

        await run("stop", "fresh")
        await eventually(lambda: in_force())
        assert {slate.arm for slate in (await slates()).values()} == {"default"}
        assert "8 entries, each as it was written" in await run("audit")
        assert running.readiness()["parts"]["experiments"]["ready"]

        declared.write_text(INTERLEAVED)
        await run("declare", str(declared))
        await run("start", "apart")
        await eventually(lambda: in_force("apart"))
        drafted = await slates()
        assert {slate.arm for slate in drafted.values()} == {"apart=plain+new"}
        async with producer(settings.kafka) as client:
            seen = [impression_of(slate, 8, user, now_ms()) for user, slate in drafted.items()]
            await send(client, settings.kafka, seen)
            await wait_until_applied(settings, store)
            clicks = []
            for user, slate in drafted.items():
                assert slate.teams is not None
                item = slate.items[slate.teams.index(1)].item_id  # what the new arm brought
                clicks.append(
                    Click(
                        event_id=f"vote-{user}",
                        ts=now_ms(),
                        user_id=user,
                        item_id=item,
                        slate_id=slate.slate_id,
                    )
                )
            await send(client, settings.kafka, clicks)
        await wait_until_applied(settings, store)
        votes = json.loads(await run("show", "apart", "--json"))["reading"]
        assert (votes["users"], votes["for_arm"], votes["for_control"]) == (len(USERS), len(USERS), 0)
        assert votes["state"] == "better"
        assert "users prefer new to plain" in await run("show", "apart")
