"""The generator keeps to its schedule, whatever the gateway does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from streams.bench.load import Plan, decode_plan, encode_plan, events_of, run
from streams.bench.schedule import due_s
from streams.events.schema import Click, EventLimits, Review, decode, encode
from streams.settings.connections import KafkaSettings
from streams.settings.tree import Settings
from tests.streams.bench.test_http import answer, server

STALL_S = 0.6


def plan(folder: Path, port: int, **changes: object) -> Plan:
    return msgspec.structs.replace(
        Plan(
            name="step",
            rate=50.0,
            seconds=0.4,
            arrivals="constant",
            seed=1,
            users=["u-1", "u-2", "u-3"],
            items=["i-1", "i-2"],
            popularity=[2.0, 1.0],
            host="127.0.0.1",
            port=port,
            connections=1,
            per_request=1,
            direct=False,
            kafka=KafkaSettings(),
            started=str(folder / "started"),
            result=str(folder / "result"),
        ),
        **changes,
    )


@pytest.mark.parametrize("prefix", ["derived", "set"])
def test_the_generators_process_gets_the_plan_as_it_is(tmp_path: Path, prefix: str) -> None:
    derived = Settings(namespace="shop").kafka
    kafka = derived if prefix == "derived" else KafkaSettings(prefix="own.")
    written = plan(tmp_path, 1, kafka=kafka)
    assert decode_plan(encode_plan(written)) == written


def receipt(events: int) -> bytes:
    return answer(msgspec.json.encode({"accepted": events, "rejected": 0, "results": []}))


async def test_a_stall_delays_every_event_that_was_due_meanwhile(tmp_path: Path) -> None:
    """One that waited for answers would send the later events late, and show one slow answer."""
    stalled = asyncio.Event()

    async def stall_once(body: bytes, writer: asyncio.StreamWriter) -> None:
        if not stalled.is_set():
            stalled.set()
            await asyncio.sleep(STALL_S)
        writer.write(receipt(1))

    async with server(stall_once) as port:
        sent = await run(plan(tmp_path, port))
    assert sent.accepted == 20
    first = sent.answered_ms[0]
    assert first is not None
    for due, answered in zip(sent.due_ms, sent.answered_ms, strict=True):
        assert answered is not None
        assert answered >= first > due


async def test_what_is_refused_has_no_answer(tmp_path: Path) -> None:
    async def refuse(body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"{}", b"503 Service Unavailable"))

    async with server(refuse) as port:
        sent = await run(plan(tmp_path, port))
    assert sent.accepted == 0
    assert all(began is not None for began in sent.sent_ms)


async def test_events_of_a_request_go_out_when_the_last_is_due(tmp_path: Path) -> None:
    sizes = []

    async def count(body: bytes, writer: asyncio.StreamWriter) -> None:
        sizes.append(len(msgspec.json.decode(body)) if body.startswith(b"[") else 1)
        writer.write(receipt(sizes[-1]))

    async with server(count) as port:
        sent = await run(plan(tmp_path, port, per_request=6))
    assert sizes == [6, 6, 6, 2]
    for number in range(20):
        last = min(number - number % 6 + 5, 19)
        began = sent.sent_ms[number]
        assert began is not None
        assert began >= sent.due_ms[last]


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_events_can_be_read_and_say_when_they_were_due(tmp_path: Path, arrivals: str) -> None:
    step = plan(tmp_path, 1, arrivals=arrivals)
    due = due_s(step.rate, step.seconds, step.arrivals, step.seed)
    events = events_of(step, 1e12)
    assert [event.event_id for event in events] == [f"step-{n}" for n in range(20)]
    assert {type(event) for event in events} == {Click, Review}
    for event, at_s in zip(events, due, strict=True):
        assert event.ts == pytest.approx(1e12 + at_s * 1_000, abs=0.51)
        assert decode(encode(event), int(1e12), EventLimits()) == event
