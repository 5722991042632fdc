"""GET /console/users: find a user; with ?id=…, all that is known of one, and why their slate is as it is.

The id is a parameter, not a part of the path: ids may have slashes in them, and browsers take dots for steps.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Template

from streams.gateway.admin.replies import StoreCalls
from streams.gateway.admin.users import ROWS_MOST, Users
from streams.gateway.console.answered import tried
from streams.gateway.console.pages_of_records import show_page
from streams.gateway.console.showing import show
from streams.gateway.feeds import USER_ID_MAX
from streams.gateway.records.listing import UserListing
from streams.settings.tree import Settings
from streams.stores.base import Store

Asked = Request[Any, Any, Any]


def users_page(settings: Settings, store: Store, users: Users) -> HTTPRouteHandler:
    """The page."""
    listing, calls = UserListing(store), StoreCalls(settings.gateway)

    @get("/users", name="console.users")
    async def users_or_one(
        request: Asked,
        id: Annotated[str, QueryParameter(max_length=USER_ID_MAX)] = "",
        met_from: Annotated[int, QueryParameter(ge=0, le=ROWS_MOST)] = 0,
        cursor: Annotated[str, QueryParameter(max_length=200)] = "",
    ) -> Template:
        if not id:
            return await show_page(request, "users", calls, listing, cursor)
        seen, trouble = await tried(users.seen(id, met_from), None)
        further = None
        if seen is not None and seen.met.next_from is not None:
            further = urlencode({"id": id, "met_from": seen.met.next_from})
        return show(
            request,
            "user",
            user_id=id,
            seen=seen,
            trouble=trouble,
            further=further,
            asked={"user_id": id},
        )

    return users_or_one
