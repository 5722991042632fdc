"""The section `tracing`: which events are traced, and where their spans go."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Endpoint = Annotated[str, Meta(pattern=r"^https?://[^\s]+\Z", max_length=2_048)]


class TracingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ratio`: of the events that come without a trace of their own, this share is traced. Those that come
    with a `traceparent` follow its flag. `events_per_s`: so many of both at most, in each process.

    `endpoint`: where spans are sent, in full: an OTLP receiver over HTTP. It may take `timeout_ms` for some
    of them, and `queue_spans` wait for it at most; further ones are dropped, and counted.
    """

    enabled: bool = False
    ratio: Annotated[float, Meta(ge=0, le=1)] = 0.01
    events_per_s: Annotated[int, Meta(gt=0, le=100_000)] = 50
    endpoint: Endpoint = "http://127.0.0.1:4318/v1/traces"
    timeout_ms: Annotated[int, Meta(gt=0, le=60_000)] = 2_000
    queue_spans: Annotated[int, Meta(gt=0, le=1_000_000)] = 4_096
