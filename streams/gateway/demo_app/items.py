"""POST /demo/items: what cards show of many items at once. An app of its own has that in its own catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from streams.gateway.answers import JSON, json_answer, response
from streams.gateway.errors import ProblemError, on_http, on_problem
from streams.gateway.feeds import NO_STORE
from streams.gateway.ranking.json_bodies import json_body
from streams.gateway.records.described import ItemsAsked, described
from streams.search.documents import names_maker
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.stores.base import Store

TEXT_MAX = 600
FACTS_MAX = 6
PICTURES = ("image", "image_url", "picture", "cover", "poster")
"""What attributes are called that have the address of a picture."""
_PICTURE = re.compile(r"/(?!/|v1/)[\w./~%-]*\.(?:avif|gif|jpe?g|png|svg|webp)", re.IGNORECASE)


class Card(msgspec.Struct, frozen=True):
    """What is shown of an item. `image`: an address of this very gateway; None where it has none, since a
    page loads nothing from another host. `facts`: tags and other attributes, in words.
    """

    id: str
    title: str
    categories: list[str]
    price: float | None
    brand: str | None
    image: str | None
    facts: list[str]
    text: str


class Cards(msgspec.Struct, frozen=True):
    """Those that somebody has described, in the order of the ids."""

    items: list[Card]


def items_route(settings: Settings, store: Store) -> HTTPRouteHandler:
    """The route."""

    @post(
        "/items",
        name="demo.items",
        status_code=200,
        exception_handlers={ProblemError: on_problem, HTTPException: on_http},  # a script asks: no pages
    )
    async def items(request: Request[Any, Any, Any]) -> Response[Cards]:
        wanted = await json_body(request, ItemsAsked)
        cards = [card(record) for record in await described(store, wanted.ids, settings.gateway)]
        return response(json_answer(200, Cards(cards), JSON, NO_STORE))

    return items


def card(record: ItemRecord) -> Card:
    """What is shown of an item; an item without a title has its id."""
    attributes = record.attributes
    brand = next((value for name, value in attributes.items() if names_maker(name) and value), None)
    others = [
        f"{name}: {value}"
        for name, value in attributes.items()
        if value and not names_maker(name) and name.lower() not in PICTURES
    ]
    return Card(
        id=record.item_id,
        title=record.title or record.item_id,
        categories=record.categories,
        price=record.price,
        brand=brand,
        image=_image(attributes),
        facts=[*record.tags, *others][:FACTS_MAX],
        text=(record.description or "")[:TEXT_MAX],
    )


def _image(attributes: Mapping[str, str]) -> str | None:
    """The path of a file with a picture on this gateway's host; a route of the API is none.

    >>> _image({"image": "/pictures/1.png"}), _image({"image": "https://elsewhere.example/1.png"})
    ('/pictures/1.png', None)
    >>> _image({"image": "//elsewhere.example/1.png"}), _image({"image": "/v1/users/u/feed"})
    (None, None)
    """
    for name, value in attributes.items():
        if name.lower() in PICTURES and _PICTURE.fullmatch(value):
            return value
    return None
