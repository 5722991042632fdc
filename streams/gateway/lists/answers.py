"""What the lists answer."""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.gateway.feeds import FeedReason
from streams.gateway.searching.facets import Facet

By = Literal["behaviour", "text", "graph", "blended"]


class ListedItem(msgspec.Struct):
    """One item of a list. `source`: what ranks it best here; `reason`: why it is here, as in a feed."""

    item_id: str
    score: float
    source: str
    reason: FeedReason


class ItemList(msgspec.Struct):
    """A page of a list. `cursor` asks for the next page; null where this is the last one. Where facets were
    asked for: `total`, how many items the list has on all pages, and `facets`, which count them.
    """

    items: list[ListedItem]
    cursor: str | None
    total: int | None = None
    facets: list[Facet] = msgspec.field(default_factory=list)


class SimilarItems(msgspec.Struct):
    """A page of what is like `item_id`. Where a user was named: `user_id`, and the id, model and arm of the
    slate that put these items in order; else null.
    """

    item_id: str
    by: By
    items: list[ListedItem]
    cursor: str | None
    user_id: str | None = None
    slate_id: str | None = None
    model: str | None = None
    arm: str | None = None


class NeighbourOfUser(msgspec.Struct):
    """A user who met the same items. `score`: 0 to 1. `common`: how many items both met, of those at hand;
    `items`: the most telling of them.
    """

    user_id: str
    score: float
    common: int
    items: list[str]


class Neighbours(msgspec.Struct):
    """Who is like a user. `among`: of so many users, those who acted lately, they are the nearest."""

    user_id: str
    among: int
    neighbours: list[NeighbourOfUser]
