"""What can't be read or applied comes out as it went in, with its reason, and can be sent again."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.commands.main import main
from streams.events.schema import Click
from streams.kafka.dead_letter_box import read_letters, replay_letters
from streams.kafka.topics import topic_name
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore
from tests.connected.events_on_kafka import eventually, now_ms, producer, send
from tests.connected.worker_process import worker

ODD = b"\xff\x00not json at all \xe2\x82"


async def test_bad_events_come_out_as_they_went_in(settings: Settings, tmp_path: Path) -> None:
    kafka = settings.kafka
    store = RedisStore(settings.redis)
    with worker(tmp_path, kafka, settings.redis) as running:
        async with producer(kafka) as client:
            clicks = topic_name(kafka, "clicks")
            await client.send_and_wait(clicks, ODD, b"k\xff")
            await client.send_and_wait(clicks, b"{}", None)
            good = Click(event_id="1", ts=now_ms(), user_id="ann", item_id="i")
            await send(client, kafka, [good])
            await client.send_and_wait(topic_name(kafka, "reviews"), b'{"type":"click"}', b"ann")
            wrong = b'{"type":"click","event_id":"2","ts":%d,"user_id":"ann","item_id":"i"}' % now_ms()
            await client.send_and_wait(clicks, wrong, b"somebody else")
        await eventually(lambda: running.metric("headrace_worker_dead_letters_total") == 4)
        await eventually(lambda: running.metric("headrace_worker_events_total", result="applied") == 1)
        assert (await store.states(["ann"]))[0] is not None, "a good event among bad ones was lost"

        letters = await read_letters(kafka)
        assert {(letter.reason, letter.key, letter.value) for letter in letters} == {
            ("not_json", b"k\xff", ODD),
            ("invalid", None, b"{}"),
            ("invalid", b"ann", b'{"type":"click"}'),
            ("wrong_key", b"somebody else", wrong),
        }
        assert {letter.topic for letter in letters} == {clicks, topic_name(kafka, "reviews")}
        assert all(letter.why and letter.time_ms > now_ms() - 600_000 for letter in letters)
        assert all(letter.offset >= 0 and 0 <= letter.partition < 4 for letter in letters)

        # By reason first: what lies between is still to come.
        assert (await replay_letters(kafka, "wrong_key")).sent == {"wrong_key": 1}
        await eventually(lambda: running.metric("headrace_worker_dead_letters_total") == 5)
        for letter in (await read_letters(kafka))[:4]:
            assert letter.replayed == (letter.reason == "wrong_key")
        assert (await replay_letters(kafka, limit=3)).sent == {"not_json": 1, "invalid": 2}
        assert all(letter.replayed for letter in (await read_letters(kafka))[:4])
        await eventually(lambda: running.metric("headrace_worker_dead_letters_total") == 8)
        again = (await read_letters(kafka))[4:]
        assert sorted((letter.key or b"", letter.value) for letter in again) == sorted(
            (letter.key or b"", letter.value) for letter in letters
        )
    await store.close()


def test_the_command_lists_and_replays(
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An event that came too early is applied by a replay once its time has come."""
    import asyncio

    kafka = settings.kafka
    for name, value in (
        ("KAFKA__BOOTSTRAP", kafka.bootstrap),
        ("KAFKA__PREFIX", kafka.prefix),
        ("REDIS__URL", settings.redis.url),
    ):
        monkeypatch.setenv(f"HEADRACE_{name}", value)

    async def early() -> None:
        with worker(tmp_path, kafka, settings.redis, {"HEADRACE_EVENTS__MAX_EARLY_MS": "1000"}) as running:
            async with producer(kafka) as client:
                ts = now_ms() + 60_000
                await send(client, kafka, [Click(event_id="1", ts=ts, user_id="u", item_id="i")])
            await eventually(lambda: running.metric("headrace_worker_dead_letters_total") == 1)

    async def patient() -> None:
        with worker(tmp_path, kafka, settings.redis, {"HEADRACE_EVENTS__MAX_EARLY_MS": "600000"}) as running:
            await eventually(lambda: running.metric("headrace_worker_events_total", result="applied") == 1)

    asyncio.run(early())
    assert main(["dead-letters", "list"]) == 0
    listed = capsys.readouterr().out
    assert "too_early" in listed
    assert "1 dead letters" in listed
    assert main(["dead-letters", "replay", "--reason", "too_early"]) == 0
    assert "1 dead letters sent again" in capsys.readouterr().out
    assert main(["dead-letters", "replay"]) == 0
    assert "0 dead letters sent again" in capsys.readouterr().out
    asyncio.run(patient())
