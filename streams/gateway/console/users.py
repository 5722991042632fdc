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

from model.errors import CursorError
from streams.gateway.admin.replies import StoreCalls
from streams.gateway.admin.users import ROWS_MOST, Users
from streams.gateway.console.answered import tried
from streams.gateway.console.showing import show
from streams.gateway.errors import ProblemError, problem
from streams.gateway.feeds import USER_ID_MAX
from streams.gateway.records.listing import Page, UserListing
from streams.gateway.records.user_kind import UserDocument
from streams.settings.tree import Settings
from streams.stores.base import Store

Asked = Request[Any, Any, Any]
A_PAGE = 50


def users_page(settings: Settings, store: Store, users: Users) -> HTTPRouteHandler:
    """The page."""
    listing, calls = UserListing(store), StoreCalls(settings.gateway)

    async def some(cursor: str) -> Page[UserDocument]:
        async with calls.answering():
            try:
                return await listing.page(cursor, A_PAGE)
            except CursorError as error:
                raise wrong_cursor(error) from None

    @get("/users", name="console.users")
    async def users_or_one(
        request: Asked,
        id: Annotated[str, QueryParameter(max_length=USER_ID_MAX)] = "",
        met_from: Annotated[int, QueryParameter(ge=0, le=ROWS_MOST)] = 0,
        cursor: Annotated[str, QueryParameter(max_length=200)] = "",
    ) -> Template:
        if not id:
            found, trouble = await tried(some(cursor), Page([], ""))
            following = urlencode({"cursor": found.cursor}) if found.cursor else None
            return show(
                request, "users", trouble=trouble, users=found.documents, following=following, cursor=cursor
            )
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


def wrong_cursor(error: CursorError) -> ProblemError:
    """What is said of a cursor that no page gave."""
    return ProblemError(
        problem(
            400,
            "unknown_cursor",
            expected="a cursor that a page of this list named, or none",
            came=str(error),
            remedy="begin the list anew",
        )
    )
