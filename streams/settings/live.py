"""The section `live`: how many follow their feeds at once, and how their connections are kept."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[int, Meta(gt=0)]
PositiveFloat = Annotated[float, Meta(gt=0, le=1e6)]


class LiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one gateway: `connections_max` connections in all, `per_user_max` of one user.

    A connection that was silent for `ping_every_s` gets a ping. One whose client has not read for
    `slow_after_s` is closed. Each ends after `longest_s`, up to a tenth sooner, so that clients spread over
    the gateways anew. A client whose connection has ended comes back after `retry_ms`.
    """

    connections_max: Positive = 10_000
    per_user_max: Positive = 8
    ping_every_s: PositiveFloat = 15.0
    slow_after_s: PositiveFloat = 20.0
    longest_s: PositiveFloat = 3_600.0
    retry_ms: Positive = 2_000
