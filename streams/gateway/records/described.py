"""What somebody said of many items at once, for pages that name them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from model.errors import StoreError, StoreUnavailableError
from streams.events.schema import Id
from streams.gateway.errors import unavailable
from streams.settings.processes import GatewaySettings
from streams.state.catalog import ItemRecord, decode_item
from streams.stores.base import Store

ITEMS_MAX = 200


class ItemsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The items that are asked for."""

    ids: Annotated[list[Id], Meta(max_length=ITEMS_MAX)]


async def described(store: Store, ids: Sequence[str], gateway: GatewaySettings) -> list[ItemRecord]:
    """The records of those that somebody has described, each once, in the order of the ids. One that can't be
    read is left out: a page then shows its id alone. Raises `ProblemError` (503) where the store does not
    answer within `gateway.timeout_ms`.
    """
    try:
        async with asyncio.timeout(gateway.timeout_ms / 1_000):
            found = await store.items(list(dict.fromkeys(ids)))
    except (StoreUnavailableError, TimeoutError) as error:
        raise unavailable("store", str(error) or "no answer in time", gateway.retry_after_s) from None
    return [record for raw in found if raw is not None for record in _read(raw)]


def _read(raw: bytes) -> Iterator[ItemRecord]:
    try:
        yield decode_item(raw)
    except StoreError:
        return
