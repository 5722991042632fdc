"""/v1/items and /v1/items/{item_id}: the catalog, one item at a time, a page, or all of it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Operation
from litestar.params import PathParameter, QueryParameter

from streams.gateway.addresses import check_path_id
from streams.gateway.answers import JSON, response
from streams.gateway.bodies import body_of
from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.operations import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    json_body,
    operation,
)
from streams.gateway.records.answering import Asked, listed, written
from streams.gateway.records.item_kind import ItemContent, ItemDocument, withdrawn
from streams.gateway.records.listing import ItemListing, Page
from streams.gateway.records.records import Records
from streams.gateway.records.replies import (
    CHANGED,
    LISTED,
    MERGE_PATCH,
    PUT,
    READ,
    STREAMED,
    not_lines,
)

ITEMS_PATH = "/v1/items"
ItemId = Annotated[str, PathParameter(description="The id that events carry.")]
EXAMPLE = {"title": "Guitar strings, light", "categories": ["strings"], "price": 9.5}


class ItemPage(msgspec.Struct):
    """Some items. `cursor`: where the next page begins; null after the last."""

    items: list[ItemDocument]
    cursor: str | None


def item_routes(records: Records[ItemDocument], answers: IdempotentAnswers) -> list[HTTPRouteHandler]:
    """The routes of single items and of pages."""
    one = f"{ITEMS_PATH}/{{item_id:str}}"

    @get(
        one,
        summary="Read an item",
        tags=["items"],
        operation_class=operation(headers=[IF_NONE_MATCH]),
        responses=READ,
    )
    async def read_item(item_id: ItemId) -> Response[ItemDocument]:
        check_path_id("item_id", item_id)
        return response(await records.read(item_id))

    @put(
        one,
        status_code=202,
        summary="Put an item",
        description=(
            "The whole item: what the body does not say is gone. It is in Kafka when the answer comes, and "
            "reads of this item show it from then on; feeds follow some milliseconds later. With `If-Match` "
            "only where the item is as the client knows it, with `If-None-Match: *` only a new one."
        ),
        tags=["items"],
        operation_class=operation(
            json_body(ItemContent, EXAMPLE), [IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY]
        ),
        responses=PUT,
    )
    async def put_item(request: Asked, item_id: ItemId) -> Response[ItemDocument]:
        check_path_id("item_id", item_id)
        body = await body_of(request)
        return await written(request, answers, body, partial(records.put, item_id, body))

    @patch(
        one,
        status_code=202,
        summary="Change an item",
        description=(
            "A JSON merge patch (RFC 7396): what it names changes, null takes away, all else stays. Of two "
            "patches at once, the second one is applied to what the first one made; with `If-Match` it is "
            "refused (412) instead."
        ),
        tags=["items"],
        operation_class=operation(
            json_body(ItemContent, {"price": 8.5, "tags": None}, (MERGE_PATCH, JSON)),
            [IF_MATCH, IDEMPOTENCY_KEY],
        ),
        responses=CHANGED,
    )
    async def patch_item(request: Asked, item_id: ItemId) -> Response[ItemDocument]:
        check_path_id("item_id", item_id)
        body = await body_of(request)
        return await written(request, answers, body, partial(records.patch, item_id, body))

    @delete(
        one,
        status_code=202,
        summary="Withdraw an item",
        description=(
            "The item gets `available: false`: no feed shows it any more. It stays known, since histories "
            "name it, and can be read; a PUT, or a patch of `available`, brings it back."
        ),
        tags=["items"],
        operation_class=operation(headers=[IF_MATCH, IDEMPOTENCY_KEY]),
        responses=CHANGED,
    )
    async def withdraw_item(request: Asked, item_id: ItemId) -> Response[ItemDocument]:
        check_path_id("item_id", item_id)

        def without(document: ItemDocument) -> ItemDocument:
            records.kind.check_known(document, ())
            return withdrawn(document)

        return await written(request, answers, b"", partial(records.change, item_id, changed=without))

    @get(
        ITEMS_PATH,
        summary="List items",
        description=(
            "Items that are described, in the order in which they were first met; a page at a time, or with "
            "`Accept: application/x-ndjson` all from the cursor on, an item a line. A page may be shorter "
            "than `n`, and empty; there is more where `cursor` is not null."
        ),
        tags=["items"],
        operation_class=operation(lines="Lines of JSON, an ItemDocument each."),
        responses=LISTED,
    )
    async def list_items(
        request: Asked,
        n: Annotated[int | None, QueryParameter(description="How many items a page has at most.")] = None,
        cursor: Annotated[str, QueryParameter(description="`cursor` of the page before.")] = "",
        available: Annotated[
            bool | None, QueryParameter(description="Only such items, or only those that are withdrawn.")
        ] = None,
    ) -> Response[ItemPage]:
        def shown(page: Page[ItemDocument]) -> ItemPage:
            return ItemPage(list(page.documents), page.cursor or None)

        return await listed(request, records, ItemListing(records.store, available), cursor, n, shown)

    return [read_item, put_item, patch_item, withdraw_item, list_items]


def item_lines_route(described: type[Operation]) -> HTTPRouteHandler:
    """As /schema describes it; plain routes answer what is NDJSON (`streams.gateway.hot_routes`)."""

    @post(
        ITEMS_PATH,
        status_code=200,
        summary="Put items in bulk",
        description=(
            "Items as NDJSON, one a line, each as PUT /v1/items takes it; without a bound on their number. "
            "Each line is answered while the body comes."
        ),
        tags=["items"],
        operation_class=described,
        responses=STREAMED,
    )
    async def put_item_lines(
        request: Asked,
        answers: Annotated[
            Literal["each", "refused"], QueryParameter(description="Which lines are answered.")
        ] = "each",
    ) -> None:
        raise not_lines(request)

    return put_item_lines
