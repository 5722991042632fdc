"""GET /console/items: find an item; with ?id=…, what it is, how far it reaches, and its neighbours.

Reach and neighbours come from a ranker, so the page asks for them when it is there.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Template

from streams.gateway.admin.replies import StoreCalls
from streams.gateway.console.answered import tried
from streams.gateway.console.pages_of_records import show_page
from streams.gateway.console.showing import show
from streams.gateway.feeds import USER_ID_MAX
from streams.gateway.records.item_kind import ItemDocument, ItemKind
from streams.gateway.records.listing import ItemListing
from streams.settings.tree import Settings
from streams.stores.base import Store

Asked = Request[Any, Any, Any]
WAYS = ("blended", "behaviour", "text", "graph")


def items_page(settings: Settings, store: Store) -> HTTPRouteHandler:
    """The page."""
    listing, calls, kind = ItemListing(store), StoreCalls(settings.gateway), ItemKind()

    async def one(item_id: str) -> ItemDocument | None:
        async with calls.answering():
            (stored,) = await kind.stored(store, [item_id])
        return stored.document

    @get("/items", name="console.items")
    async def items_or_one(
        request: Asked,
        id: Annotated[str, QueryParameter(max_length=USER_ID_MAX)] = "",
        cursor: Annotated[str, QueryParameter(max_length=200)] = "",
    ) -> Template:
        if not id:
            return await show_page(request, "items", calls, listing, cursor)
        document, trouble = await tried(one(id), None)
        return show(
            request,
            "item",
            item_id=id,
            document=document,
            trouble=trouble,
            vectors=[] if document is None else vectors_of(document),
            ways=WAYS,
            asked={"item_id": id, "ways": WAYS},
        )

    return items_or_one


def vectors_of(document: ItemDocument) -> list[tuple[str, int]]:
    """Which vectors an item has, and of how many numbers."""
    found = (("image", document.image_vector), ("audio", document.audio_vector))
    return [(name, len(vector)) for name, vector in found if vector is not None]
