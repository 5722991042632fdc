"""The sections worker and gateway: of the processes that run."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from streams.settings.bounds import HostName, Port, Positive, PositiveFloat


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`batch_max` events are folded in one transaction at most; SIGTERM has `drain_deadline_s` to finish.

    `states_kept`: of so many users, those written last, the worker has the states and slates at hand. A
    partition that has not moved for `stalled_after_s` while events wait in it makes the worker unready.
    `in_step_wait_ms`: while it catches up, events wait so long for earlier ones of another topic that are
    still to be fetched.
    Of the experiments that run, the worker that leads notes their sums every `note_sums_every_s`.
    /healthz fails where no batch was finished for `batch_deadline_s` although events wait and nothing is
    away, and where the event loop has stood still for `loop_deadline_s`.
    """

    host: str = "127.0.0.1"
    port: Port = 6066
    batch_max: Positive = 128
    in_step_wait_ms: Annotated[int, Meta(ge=0)] = 1_000
    drain_deadline_s: PositiveFloat = 10.0
    stalled_after_s: PositiveFloat = 30.0
    ledger_every_ms: Positive = 200
    snapshot_every_s: PositiveFloat = 30.0
    note_sums_every_s: PositiveFloat = 60.0
    states_kept: Annotated[int, Meta(ge=0)] = 4_096
    batch_deadline_s: PositiveFloat = 60.0
    loop_deadline_s: PositiveFloat = 5.0


PagesOpenTo = Literal["loopback", "on", "off"]
"""Who may see pages: requests of the gateway's own machine, everybody, nobody."""


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`events_max`: events in one request at most; `timeout_ms`: the longest wait for Kafka or the store.

    `hosts`: the names under which it may be asked, beside its addresses, `localhost` and `host`; `*.NAME` for
    all below a name, `*` for any. Pages of these hosts may ask it, too (`*` names none). `streams_max`:
    bodies of NDJSON at a time. Answers under an Idempotency-Key are kept for `idempotency_hours`. Answers of
    `compress_from_bytes` or more are compressed where the client takes that, but for the hot routes'; 0: none
    is. `console`: to whom the pages under /console are open; there, feeds should be as fresh as
    `freshness_p50_ms` and `freshness_p99_ms` say, from an event's acceptance until its feed is written.
    `demo_app`: to whom the demo application under /demo is open.

    SIGTERM has `drain_deadline_s` to answer what was asked and to log the last impressions.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    drain_deadline_s: PositiveFloat = 5.0
    events_max: Positive = 1_000
    body_max_bytes: Positive = 8 * 1024 * 1024
    timeout_ms: Positive = 2_000
    retry_after_s: Positive = 1
    hosts: tuple[HostName, ...] = ()
    streams_max: Positive = 16
    idempotency_hours: Annotated[float, Meta(gt=0, le=8_760)] = 24.0
    compress_from_bytes: Annotated[int, Meta(ge=0)] = 16_384
    console: PagesOpenTo = "loopback"
    demo_app: PagesOpenTo = "off"
    freshness_p50_ms: PositiveFloat = 50.0
    freshness_p99_ms: PositiveFloat = 250.0
