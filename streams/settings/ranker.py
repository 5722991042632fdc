"""The section `ranker`: who ranks on request, and within which bounds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Positive = Annotated[int, Meta(gt=0)]
Address = Annotated[str, Meta(pattern=r"^https?://[^/\s]+\Z", max_length=256)]


class RankerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`where` a gateway has what is asked of it ranked: "here", in its own process; "elsewhere", by the
    rankers at `addresses` in turn (`headrace ranker`, as http://HOST:PORT); "off", nowhere.

    A ranker takes `batch_max` requests at once and keeps `queue_max` waiting; what has not come after
    `timeout_ms` is given up. It remembers the last `slates_kept` slates, for pages and explanations.
    `candidates_max`: of one request. `feed_places`: so many places a feed has that is ranked on request, in
    pages. `host` and `port`: where `headrace ranker` listens.
    """

    where: Literal["here", "elsewhere", "off"] = "here"
    addresses: Annotated[tuple[Address, ...], Meta(max_length=64)] = ()
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8090
    batch_max: Annotated[int, Meta(gt=0, le=128)] = 8
    queue_max: Annotated[int, Meta(gt=0, le=100_000)] = 256
    timeout_ms: Positive = 1_000
    slates_kept: Annotated[int, Meta(ge=0, le=1_000_000)] = 2_000
    feed_places: Annotated[int, Meta(gt=0, le=200)] = 100
    candidates_max: Annotated[int, Meta(gt=0, le=10_000)] = 1_000

    def __post_init__(self) -> None:
        if self.where == "elsewhere" and not self.addresses:
            raise ValueError(
                'ranker.where is "elsewhere" and ranker.addresses names none: set the addresses of'
                ' `headrace ranker`, as ["http://127.0.0.1:8090"]'
            )
