"""What a search takes, as query parameters or as a body."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from model.errors import RequestError
from streams.events.schema import Id, Short, Text
from streams.gateway.errors import ProblemError, problem
from streams.gateway.ranking.bodies import Price
from streams.ranking.attribute_expression import LENGTH_MAX, parse
from streams.ranking.request import NO_FILTER, ItemFilter

PLACES_MAX = 100
COMPLETIONS_MAX = 50


class SearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A search. `q`: what is searched for; nothing in it is a syntax. Empty, it asks for all that the rest of
    the body lets through. `user_id`, or `session` for someone who is not known by name: whose history may
    count. `personal`: false leaves it out. `n`: how many places. `impression`: false for what is not shown.
    `categories`: of which an item has one; `tags`: of which it has all; `price_from`, `price_to`: bounds,
    both included. `available`: false finds withdrawn items too. `attributes`: an expression, such as
    `colour:red and not size:S`. `exclude`: ids of items that are not to be found. `explain`: with what each
    score is the sum of. `cursor`: of the answer before this page; it goes with `n`, `explain`, `impression`
    and the user alone.
    """

    q: Text = ""
    user_id: Id | None = None
    session: Id | None = None
    n: Annotated[int, Meta(ge=1, le=PLACES_MAX)] = 10
    cursor: Annotated[str, Meta(max_length=64)] = ""
    categories: Annotated[list[Short], Meta(max_length=64)] = []
    tags: Annotated[list[Short], Meta(max_length=64)] = []
    price_from: Price | None = None
    price_to: Price | None = None
    available: bool = True
    attributes: Annotated[str, Meta(max_length=LENGTH_MAX)] = ""
    exclude: Annotated[list[Id], Meta(max_length=1_000)] = []
    personal: bool = True
    surface: Short = "search"
    impression: bool = True
    explain: bool = False

    @property
    def user(self) -> str:
        """Whose search it is; "" for nobody that is known. Raises `ProblemError` where both are named."""
        if self.user_id is not None and self.session is not None:
            raise wrong("user_id or session, or neither", "both of them")
        return self.user_id or self.session or ""

    @property
    def a_page(self) -> bool:
        """Whether all it asks besides a cursor is what goes with one."""
        return self == SearchBody(
            cursor=self.cursor, n=self.n, explain=self.explain, impression=self.impression,
            user_id=self.user_id, session=self.session,
        )  # fmt: skip

    def filter(self) -> ItemFilter:
        """Raises `ProblemError`."""
        low, high = self.price_from, self.price_to
        if low is not None and high is not None and low > high:
            raise wrong("price_from: at most price_to", f"{low:g} and {high:g}")
        try:
            expression = parse(self.attributes) if self.attributes else None
        except RequestError as error:
            came, _, expected = str(error).partition("; expected ")
            raise ProblemError(
                problem(
                    400, "wrong_expression", expected=expected, came=came,
                    remedy='correct it; see "attributes" in docs/api.md',
                )
            ) from None  # fmt: skip
        asked = ItemFilter(
            categories=tuple(self.categories), tags=tuple(self.tags), price_from=low, price_to=high,
            available=self.available, expression=expression,
        )  # fmt: skip
        return NO_FILTER if asked == NO_FILTER else asked


def wrong(expected: str, came: str) -> ProblemError:
    """The answer to a parameter that can't be."""
    return ProblemError(
        problem(
            400, "bad_request", expected=expected, came=came, remedy="correct it; GET /schema describes it"
        )
    )
