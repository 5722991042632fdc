"""An item as clients put, change and read it under its own address."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from model.errors import EventError
from streams.events.schema import VERSION, AnyEvent, Id, Item, Short, Text, Vector
from streams.events.strict_json import EventReader
from streams.gateway.errors import ProblemError, problem
from streams.gateway.records.kind import Stored
from streams.state.catalog import ItemRecord, decode_item
from streams.state.event_meaning import NO_VECTORS, item_record
from streams.stores.base import Store


class ItemContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an item is. `item_id` may be left out: the address has it. Any field may be null: in a PUT it is
    then left out, in a PATCH taken away.
    """

    item_id: Id = ""
    title: Short = ""
    text: Text = ""
    categories: Annotated[list[Short], Meta(max_length=64)] = []
    tags: Annotated[list[Short], Meta(max_length=64)] = []
    price: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    available: bool = True
    attributes: Annotated[dict[Short, Short], Meta(max_length=32)] = {}
    image_vector: Vector | None = None
    audio_vector: Vector | None = None


class ItemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An item as it is now. `available` is false where it is withdrawn.

    `text` is null where an older build of Headrace stored the item: it kept the text's vector alone. Vectors
    are as they are stored: of length 1, in half precision.
    """

    item_id: str
    title: str
    text: str | None
    categories: list[str]
    tags: list[str]
    price: float | None
    available: bool
    attributes: dict[str, str]
    image_vector: list[float] | None
    audio_vector: list[float] | None


_reader: EventReader[ItemContent] = EventReader(ItemContent, VERSION)


class ItemKind:
    """`RecordKind` of items."""

    name = "item"
    document = ItemDocument
    personal = False

    async def stored(self, store: Store, ids: Sequence[str]) -> list[Stored[ItemDocument]]:
        found = []
        for raw in await store.items(ids):
            record = None if raw is None else decode_item(raw)
            found.append(Stored[ItemDocument](None) if record is None else Stored(_shown(record), record.ts))
        return found

    def read(self, raw: bytes, record_id: str, max_bytes: int) -> ItemDocument:
        content = _reader.read(raw, max_bytes)
        check_id("item_id", content.item_id, record_id)
        return ItemDocument(**{**msgspec.structs.asdict(content), "item_id": record_id})

    def event(self, document: ItemDocument, event_id: str, ts: int) -> AnyEvent:
        return Item(event_id=event_id, ts=ts, **msgspec.structs.asdict(document))

    def check_known(self, document: ItemDocument, named: Container[str]) -> None:
        if document.text is None and "text" not in named:
            raise ProblemError(
                problem(
                    409,
                    "text_unknown",
                    expected="an item whose text is known",
                    came=f"{document.item_id!r}, which an older build stored without its text",
                    remedy="PUT the whole item once, or name `text` in the patch",
                )
            )

    def told(self, event: AnyEvent) -> ItemDocument:
        assert isinstance(event, Item)
        return _shown(item_record(event, NO_VECTORS, 0))


def withdrawn(document: ItemDocument) -> ItemDocument:
    """The item, as nobody is to be shown any more."""
    return msgspec.structs.replace(document, available=False)


def check_id(name: str, said: str, address: str) -> None:
    """Raises `EventError` where a body names another record than the address does; "" names none."""
    if said not in ("", address):
        raise EventError("invalid", f"{name} is {said[:128]!r}, the address says {address!r}; leave it out")


def _shown(record: ItemRecord) -> ItemDocument:
    return ItemDocument(
        item_id=record.item_id,
        title=record.title,
        text=record.description,
        categories=record.categories,
        tags=record.tags,
        price=record.price,
        available=record.available,
        attributes=record.attributes,
        image_vector=_numbers(record.image),
        audio_vector=_numbers(record.audio),
    )


def _numbers(vector: bytes) -> list[float] | None:
    return np.frombuffer(vector, np.float16).astype(float).tolist() if vector else None
