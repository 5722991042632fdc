from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from streams.tracing.event_trace import EventSampler, event_trace


@given(st.text())
def test_every_id_has_a_trace_and_always_the_same(event_id: str) -> None:
    context = event_trace(event_id)
    assert context == event_trace(event_id)
    assert 0 < context.trace_id < 2**128
    assert 0 < context.span_id < 2**64


def test_ids_that_are_alike_have_traces_of_their_own() -> None:
    assert len({event_trace(f"e-{number}").trace_id for number in range(10_000)}) == 10_000


@given(st.text(), st.floats(0, 1))
def test_a_trace_is_sampled_where_opentelemetry_would(event_id: str, ratio: float) -> None:
    result = TraceIdRatioBased(ratio).should_sample(None, event_trace(event_id).trace_id, "span")
    assert EventSampler(ratio).takes(event_id) == (result.decision is Decision.RECORD_AND_SAMPLE)


@pytest.mark.parametrize("ratio", [0.01, 0.25, 0.9])
def test_so_many_events_are_sampled_as_the_ratio_says(ratio: float) -> None:
    sampler = EventSampler(ratio)
    sampled = sum(sampler.takes(f"e-{number}") for number in range(20_000))
    error = (ratio * (1 - ratio) / 20_000) ** 0.5
    assert abs(sampled / 20_000 - ratio) < 5 * error
