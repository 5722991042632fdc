"""Impressions wait for Kafka, never the answer for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from streams.clock import ManualClock
from streams.events.schema import AnyEvent, EventLimits, Impression, check
from streams.gateway import impressions
from streams.gateway.filling import shown as as_shown
from streams.gateway.impressions import ImpressionLog, impression_of
from streams.gateway.metrics import GatewayMetrics
from streams.kafka.producer import Acknowledgement
from streams.learning.slate_ids import made_id
from streams.ranking.slate import Reason, Slate, SlateItem
from tests.streams.gateway.conftest import RecordingSink


def shown(number: int) -> Impression:
    return Impression(event_id=f"e{number}", ts=1, user_id="u", slate_id="s", items=["i"])


def ids(events: list[AnyEvent]) -> list[str]:
    return [event.event_id for event in events]


@pytest.fixture
def log(sink: RecordingSink, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> ImpressionLog:
    monkeypatch.setattr(impressions, "RETRY_S", 0.01)
    return ImpressionLog(sink, ManualClock(5), GatewayMetrics(registry), timeout_s=0.1, capacity=5)


async def test_stopping_writes_what_waits(log: ImpressionLog, sink: RecordingSink) -> None:
    for number in range(5):
        log.add(shown(number))
    log.start()
    await log.stop(deadline_s=5)
    assert ids(sink.delivered) == ["e0", "e1", "e2", "e3", "e4"]


async def test_what_was_not_confirmed_is_sent_again(
    log: ImpressionLog, sink: RecordingSink, registry: CollectorRegistry
) -> None:
    sink.confirms = 0
    for number in range(3):
        log.add(shown(number))
    log.start()
    async with asyncio.timeout(60):
        while not sink.accepted_ms:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    sink.confirms = 2  # of three: the third follows in another write
    await log.stop(deadline_s=5)
    assert ids(sink.delivered) == ["e0", "e1", "e2"]
    assert registry.get_sample_value("headrace_gateway_impressions_total", {"result": "logged"}) == 3


async def test_the_writing_goes_on_after_whatever_happened(
    log: ImpressionLog,
    sink: RecordingSink,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, calls = sink.deliver, 0

    async def fails_once(events: Sequence[AnyEvent], accepted_ms: int, timeout_s: float) -> Acknowledgement:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("of no kind that is known")
        return await whole(events, accepted_ms, timeout_s)

    monkeypatch.setattr(sink, "deliver", fails_once)
    log.add(shown(1))
    log.start()
    await log.stop(deadline_s=5)
    assert ids(sink.delivered) == ["e1"]
    assert "of no kind that is known" in caplog.text


async def test_past_the_capacity_new_ones_are_dropped_and_counted(
    log: ImpressionLog, sink: RecordingSink, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for number in range(8):
            log.add(shown(number))
    assert registry.get_sample_value("headrace_gateway_impressions_total", {"result": "dropped"}) == 3
    assert len(caplog.records) == 1
    log.start()
    await log.stop(deadline_s=5)
    assert ids(sink.delivered) == ["e0", "e1", "e2", "e3", "e4"]


async def test_a_stop_does_not_wait_past_its_deadline(
    log: ImpressionLog, sink: RecordingSink, registry: CollectorRegistry
) -> None:
    sink.confirms = 0
    log.add(shown(1))
    log.start()
    async with asyncio.timeout(60):
        await log.stop(deadline_s=0.05)
    assert registry.get_sample_value("headrace_gateway_impressions_total", {"result": "dropped"}) == 1


def made(propensities: list[float] | None) -> Slate:
    items = [SlateItem(f"i{n}", 1.0, "popular", Reason("popular")) for n in range(3)]
    return Slate("5f", "u", 1, items, "m", "full", arm="b", propensities=propensities)


def test_an_impression_says_how_likely_what_was_shown_was() -> None:
    own = made([0.5, 0.25, 0.125])
    event = impression_of(as_shown(own, own.items[:2], [], 1), 2, "u", 9)
    assert (event.slate_id, event.arm, event.propensities) == ("5f", "b", [0.5, 0.25])
    left_out = impression_of(as_shown(own, own.items[1:], [], 1), 2, "u", 9)
    assert (made_id(left_out.slate_id), left_out.propensities) == ("5f", [0.25, 0.125])
    check(left_out, 9, EventLimits())


def test_where_a_place_is_filled_in_no_propensity_is_told() -> None:
    own = made([0.5, 0.25, 0.125])
    extra = [SlateItem("p", 1.0, "popular", Reason("popular"))]
    event = impression_of(as_shown(own, own.items, extra, 1), 4, "u", 9)
    assert (made_id(event.slate_id), event.items, event.propensities) == ("5f", ["i0", "i1", "i2", "p"], None)
    assert impression_of(as_shown(made(None), own.items, [], 1), 3, "u", 9).propensities is None


def test_teams_go_with_their_items_and_what_is_filled_in_has_none() -> None:
    own = msgspec.structs.replace(made([0.5, 0.5, 0.5]), teams=[1, 0, -1])
    assert impression_of(own, 2, "u", 9).teams == [1, 0]
    left_out = as_shown(own, own.items[1:], [], 1)
    assert impression_of(left_out, 2, "u", 9).teams == [0, -1]
    filled = as_shown(own, own.items[:2], [SlateItem("p", 0.1, "popular", Reason("popular"))], 1)
    assert impression_of(filled, 3, "u", 9).teams == [1, 0, -1]
    assert impression_of(made(None), 3, "u", 9).teams is None
