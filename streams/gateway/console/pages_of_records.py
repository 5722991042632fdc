"""The lists of users and of items, a page at a time."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlencode

from litestar import Request
from litestar.response import Template

from streams.gateway.console.answered import tried
from streams.gateway.console.showing import show
from streams.gateway.records.listing import Answering, Listing, Page, one_page

D = TypeVar("D")
A_PAGE = 50


async def show_page(
    request: Request[Any, Any, Any], kind: str, calls: Answering, listing: Listing[D], cursor: str
) -> Template:
    """The page that begins at `cursor`; `kind`: "users" or "items", which has a template and texts."""
    found, trouble = await tried(one_page(calls, listing, cursor, A_PAGE), Page[D]([], ""))
    following = urlencode({"cursor": found.cursor}) if found.cursor else None
    return show(
        request, kind, kind=kind, trouble=trouble, records=found.documents, following=following, cursor=cursor
    )
