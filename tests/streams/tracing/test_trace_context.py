from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streams.tracing.trace_context import TraceContext, read_traceparent, traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

CONTEXTS = st.builds(TraceContext, st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())


@given(CONTEXTS)
def test_a_header_is_read_as_it_was_written(context: TraceContext) -> None:
    assert read_traceparent(traceparent(context)) == context


@given(CONTEXTS)
def test_a_header_means_what_opentelemetry_reads_in_it(context: TraceContext) -> None:
    carrier = {"traceparent": traceparent(context).decode()}
    theirs = get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()
    assert (theirs.trace_id, theirs.span_id, theirs.trace_flags.sampled) == context


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"00",
        f"00-{TRACE}-{SPAN}".encode(),
        f"ff-{TRACE}-{SPAN}-01".encode(),
        f"00-{TRACE.upper()}-{SPAN}-01".encode(),
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE}-{SPAN}-01-more".encode(),
        f"00-{TRACE}-{SPAN}-01\n".encode(),
        f" 00-{TRACE}-{SPAN}-01".encode(),
        b"\xff" * 55,
    ],
)
def test_a_header_that_is_none_says_nothing(header: bytes | None) -> None:
    assert read_traceparent(header) is None


def test_later_versions_are_read_as_far_as_this_one_goes() -> None:
    assert read_traceparent(f"01-{TRACE}-{SPAN}-03-more".encode()) == (int(TRACE, 16), int(SPAN, 16), True)


@given(st.binary(max_size=80))
def test_no_bytes_are_too_odd(header: bytes) -> None:
    assert read_traceparent(header) is None or len(header) >= 55
