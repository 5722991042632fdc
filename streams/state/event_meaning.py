"""What an event means to the core: whom and which items it names, its texts as vectors, an item's record.

One rule for the worker, whose events come from Kafka, and for datasets, whose rows are made into events
(`streams/datasets/as_events.py`). The text encoder is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from model.schema import F32
from streams.events.schema import AnyEvent, Click, Control, Forget, Impression, Item, Review, User
from streams.state.catalog import ItemRecord
from streams.state.item_text import of_item, of_review
from streams.state.opinion import NO_OPINIONS, Opinion, Opinions

Encode = Callable[[Sequence[str]], F32]
"""Texts to vectors [n, 64] of length 1 (zero for an empty text)."""
Opine = Callable[[Sequence[str], Sequence[str]], tuple[F32, Opinions]]
"""The same of texts, and what those say that are reviews: these are the second argument, among the first."""
Said = Mapping[str, F32]
"""The vector of each text, as `encoded` makes it."""


class Vectors(NamedTuple):
    """Of an event's texts, rounded: `words` of what an item or a review says, `searched` of the search that a
    click came from. None where it has none, or where there is no encoder. `opinion`: what a review says,
    where anything reads that.
    """

    words: F32 | None = None
    searched: F32 | None = None
    opinion: Opinion | None = None


NO_VECTORS = Vectors()
AT_LENGTH_ONE = 1e-3
"""How far from 1 the length of a vector of length 1 may be after it was rounded to float16."""


def user_of(event: AnyEvent) -> str | None:
    """The user whose state an event changes, if any."""
    match event:
        case Item() | Control() | Impression():
            return None
        case Click() | Review() | User() | Forget():
            return event.user_id


def shown_to(event: AnyEvent) -> str | None:
    """The user whose kept slates an event changes, if any."""
    match event:
        case Item() | Control() | User():
            return None
        case Click() | Review() | Impression() | Forget():
            return event.user_id


def items_named(event: AnyEvent) -> Sequence[str]:
    """The items that must be met before an event is applied, in its order."""
    match event:
        case Item() | Click() | Review():
            return (event.item_id,)
        case Impression():
            return event.items
        case User() | Forget() | Control():
            return ()


def text_of(event: AnyEvent) -> str:
    """What an event says of an item; "" for nothing."""
    match event:
        case Item():
            return of_item(event.title, event.categories, event.tags, event.text)
        case Review():
            return of_review(event.title, event.text)
        case Click() | Impression() | User() | Forget() | Control():
            return ""


def search_of(event: AnyEvent) -> str:
    """What a user had searched for; "" for nothing.

    >>> search_of(Click(event_id="e", ts=0, user_id="u", item_id="i", query=" "))
    ''
    """
    return event.query if isinstance(event, Click) and event.query.strip() else ""


def texts_of(event: AnyEvent) -> list[str]:
    """All that the encoder reads of an event."""
    return [text for text in (text_of(event), search_of(event)) if text]


def encoded(texts: Iterable[str], encode: Encode | None) -> dict[str, F32]:
    """A vector for each different text, rounded; none without an encoder."""
    different = list(dict.fromkeys(texts))
    if encode is None or not different:
        return {}
    return dict(zip(different, rounded(encode(different)), strict=True))


def rounded(vectors: F32) -> F32:
    """Vectors as they are stored and told to other processes (float16), so that all compute the same."""
    return vectors.astype(np.float16).astype(np.float32)


def vectors_of(event: AnyEvent, said: Said, opinions: Opinions = NO_OPINIONS) -> Vectors:
    """The vectors of an event's texts, and its opinion, out of those that were read."""
    if not said:
        return NO_VECTORS
    text = text_of(event)
    opinion = opinions.get(text) if isinstance(event, Review) else None
    return Vectors(said.get(text), said.get(search_of(event)), opinion)


def item_record(event: Item, vectors: Vectors, added_ms: int) -> ItemRecord:
    """What is stored of an item event; `added_ms`: when the item was first announced."""
    return ItemRecord(
        item_id=event.item_id,
        ts=event.ts,
        available=event.available,
        text=b"" if vectors.words is None else vectors.words.astype(np.float16).tobytes(),
        title=event.title,
        categories=event.categories,
        price=event.price,
        tags=event.tags,
        image=_at_length_one(event.image_vector),
        audio=_at_length_one(event.audio_vector),
        added_ms=added_ms,
        attributes=event.attributes,
        description=event.text,
    )


def _at_length_one(vector: Sequence[float] | None) -> bytes:
    """As it is stored: of length 1, float16; b"" for none."""
    if not vector:
        return b""
    values = np.asarray(vector, np.float64)
    length = np.linalg.norm(values)
    if abs(length - 1.0) < AT_LENGTH_ONE and ((halves := values.astype(np.float16)) == values).all():
        return halves.tobytes()  # as a store has it: who reads an item and writes it again changes nothing
    return (values / length if length > 0 else values).astype(np.float16).tobytes()
