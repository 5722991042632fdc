"""POST /console/titles: what items are called, for pages that name them by their ids."""

from __future__ import annotations

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
from streams.gateway.web.forgery import check_own_page
from streams.settings.tree import Settings
from streams.stores.base import Store


class Titles(msgspec.Struct, frozen=True):
    """By id; an item without a title is left out."""

    titles: dict[str, str]


def titles_route(settings: Settings, store: Store) -> HTTPRouteHandler:
    """The route."""

    @post(
        "/titles",
        name="console.titles",
        status_code=200,
        guards=[check_own_page],
        exception_handlers={ProblemError: on_problem, HTTPException: on_http},  # a script asks: no pages
    )
    async def titles(request: Request[Any, Any, Any]) -> Response[Titles]:
        wanted = await json_body(request, ItemsAsked)
        found = await described(store, wanted.ids, settings.gateway)
        told = Titles({each.item_id: each.title for each in found if each.title})
        return response(json_answer(200, told, JSON, NO_STORE))

    return titles
