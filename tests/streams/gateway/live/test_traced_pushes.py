"""The trace of an event ends with the push of its feed to whoever follows it."""

from __future__ import annotations

import time

from streams.settings.tracing import TracingSettings
from streams.tracing.event_trace import EventSampler, event_trace
from tests.streams.gateway.live.serving import served
from tests.streams.tracing.spans_in_memory import TracingInMemory

EACH = TracingSettings(ratio=1.0, events_per_s=1_000)


async def test_a_push_is_part_of_the_trace_of_the_event_that_caused_the_feed() -> None:
    memory, began_ms = TracingInMemory(EACH), time.time() * 1_000
    async with served(tracing=memory.tracing) as here:
        await here.push("ann-secret", "s0", cause="e-0", times={"made": began_ms, "pushed": began_ms})
        streams = [await here.connect("ann-secret", query) for query in ("", "?n=3")]
        for stream in streams:
            await stream.next(1)
        times = {"made": began_ms, "pushed": began_ms + 1}
        await here.push("ann-secret", "s1", cause="e-1", times=times)
        for stream in streams:
            await stream.next(1)
        await here.eventually(lambda: here.value("live_feeds_total", result="pushed") == 4)
    spans = memory.spans()
    assert len(spans) == 2, "one for each connection, and none for what was no news"
    own = event_trace("e-1")
    for span in spans:
        assert (span.name, span.context.trace_id, span.parent_id) == ("push", own.trace_id, own.span_id)
        assert span.attributes == {
            "headrace.event_id": "e-1",
            "headrace.slate_id": "s1",
            "headrace.connection": "sse",
        }
        assert span.start_ms == began_ms + 1
        assert began_ms <= span.end_ms <= time.time() * 1_000
    assert len({span.context.span_id for span in spans} | {own.span_id}) == 3
    assert "ann-secret" not in repr(spans)


async def test_pushes_are_traced_of_the_events_that_are() -> None:
    memory = TracingInMemory(TracingSettings(ratio=0.3, events_per_s=1_000))
    async with served(tracing=memory.tracing) as here:
        stream = await here.connect()
        await stream.next(1)
        for number in range(40):
            await here.push(slate_id=f"s{number}", cause=f"e-{number}", times={"made": 1.0, "pushed": 1.0})
            await stream.next(1)
        await here.eventually(lambda: here.value("live_feeds_total", result="pushed") == 41)
    takes = EventSampler(0.3).takes
    expected = [f"e-{number}" for number in range(40) if takes(f"e-{number}")]
    assert 0 < len(expected) < 40
    assert [span.attributes["headrace.event_id"] for span in memory.spans()] == expected


async def test_pushes_keep_to_the_bound_of_traced_events() -> None:
    memory = TracingInMemory(TracingSettings(ratio=1.0, events_per_s=1))
    async with served(tracing=memory.tracing) as here:
        streams = [await here.connect() for _ in range(8)]
        for stream in streams:
            await stream.next(1)
        await here.push(slate_id="s1", cause="e-1", times={"made": 1.0, "pushed": 1.0})
        for stream in streams:
            await stream.next(1)
        await here.eventually(lambda: here.value("live_feeds_total", result="pushed") == 16)
    assert memory.counted("events_total", result="over") > 0
    assert len(memory.spans()) == memory.counted("events_total", result="traced")
