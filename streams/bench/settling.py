"""A load begins when the system has settled: the ranker of the gateway ranks, and all items are found by
their words. The gateway answers before that, and makes the index of words beside, which costs it more CPU
than the load does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from model.errors import LocalStackError
from streams.bench.under_load import UnderLoad, scrape
from streams.demo.gateway_client import GatewayClient, RefusedError
from streams.demo.progress import Steps
from streams.local.scrape import Samples

SETTLES_WITHIN_S = 1_800.0
"""A million items with titles take a core for two minutes, and the index leaves most of it to others."""
ASKS_EACH_S = 0.2
WHAT = "waiting for the gateway's ranker and its index of words"


class Unsettled(NamedTuple):
    """`trouble`: why the ranker does not rank, "" where it does. `items`: those that the index of words has;
    `waiting`: changes that it lacks.
    """

    trouble: str
    items: int
    waiting: int


class _Part(msgspec.Struct):
    ready: bool
    trouble: str = ""


class _Readiness(msgspec.Struct):
    parts: dict[str, _Part]


async def until_settled(
    running: UnderLoad, client: GatewayClient, steps: Steps, within_s: float = SETTLES_WITHIN_S
) -> None:
    """Returns once the gateway has nothing more to do before the load, nor the rankers that were started
    beside it. Where the settings name rankers elsewhere, or there is no search, there is nothing to wait for.

    Raises `LocalStackError` where a process ends meanwhile, or where it takes longer than `within_s`.
    """
    if running.settings.ranker.where != "here":
        steps.done()
        return
    url, found = running.services.gateway_url, None
    # Where others rank for the gateway, they have the index.
    searching = running.services.ranker_urls or [url]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while (found := await still_to_do(client, url, searching)) is not None:
                if not found.trouble:
                    steps.say(WHAT, found.items, found.items + found.waiting)
                running.check()
                await asyncio.sleep(ASKS_EACH_S)
            steps.done()
            return
    steps.done()
    raise LocalStackError(f"the gateway has not settled within {within_s:g} s: {_said(found)}")


async def still_to_do(client: GatewayClient, url: str, searching: Sequence[str]) -> Unsettled | None:
    """What there is still to do for the gateway at `url`, and where it is searched; None for nothing."""
    try:
        ready = await client.page(f"{url}/readyz")
        samples = await scrape(client, searching)
    except RefusedError as error:  # as long as it is busy with its start
        return Unsettled(str(error), 0, 0)
    return unsettled(ready, samples)


def unsettled(ready: str, samples: Samples) -> Unsettled | None:
    """What a gateway has still to do, by its pages /readyz and /metrics; None for nothing.

    >>> page = Samples.of(["headrace_search_items 10.0", "headrace_search_waiting_items 5.0"])
    >>> unsettled('{"ready": true, "parts": {"ranker": {"ready": true}}}', page)
    Unsettled(trouble='', items=10, waiting=5)
    """
    ranker = msgspec.json.decode(ready, type=_Readiness).parts.get("ranker", _Part(True))
    if not ranker.ready:
        return Unsettled(ranker.trouble or "the ranker is not ready", 0, 0)
    items, waiting = (int(samples.total(f"headrace_search_{name}")) for name in ("items", "waiting_items"))
    return Unsettled("", items, waiting) if waiting else None


def _said(found: Unsettled | None) -> str:
    if found is None:
        return "it does not answer"
    return found.trouble or f"{found.waiting:,} of {found.items + found.waiting:,} items are not indexed"
