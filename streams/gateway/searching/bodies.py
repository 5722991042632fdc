"""What a search takes, as query parameters or as a body."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from streams.events.schema import Id, Short, Text
from streams.gateway.ranking.filtered import Filtered, wrong
from streams.gateway.searching.facets import FacetNames, checked_facets
from streams.ranking.request import ItemFilter
from streams.search.wanted import RELEVANCE, VALUES, VALUES_MOST, Sort, Wanted

PLACES_MAX = 100
COMPLETIONS_MAX = 50


class SearchBody(Filtered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A search. `q`: what is searched for; nothing in it is a syntax. Empty, it asks for all that the rest of
    the body lets through. `user_id`, or `session` for someone who is not known by name: whose history may
    count. `personal`: false leaves it out. `n`: how many places. `impression`: false for what is not shown.
    `categories`: of which an item has one; `tags`: of which it has all; `price_from`, `price_to`: bounds,
    both included. `available`: false finds withdrawn items too. `attributes`: an expression, such as
    `colour:red and not size:S`. `exclude`: ids of items that are not to be found. `explain`: with what each
    score is the sum of. `sort`: the order of the places; in another one than `relevance` nothing is personal.
    `facets`: the fields by which all items are counted that match, as `categories`, `price` and
    `attributes.brand`, or `*`; `facet_values`: how many values of each. `cursor`: of the answer before this
    page; it goes with `n`, `explain`, `impression` and the user alone.
    """

    q: Text = ""
    user_id: Id | None = None
    session: Id | None = None
    n: Annotated[int, Meta(ge=1, le=PLACES_MAX)] = 10
    cursor: Annotated[str, Meta(max_length=64)] = ""
    sort: Sort = RELEVANCE
    facets: FacetNames = msgspec.field(default_factory=list)
    facet_values: Annotated[int, Meta(ge=1, le=VALUES_MOST)] = VALUES
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

    def wanted(self) -> Wanted:
        """The order and the facets. Raises `ProblemError` for a facet that is none."""
        return Wanted(self.sort, checked_facets(self.facets), self.facet_values)

    def filter(self) -> ItemFilter:
        """Raises `ProblemError`, also for prices that no item can have."""
        low, high = self.price_from, self.price_to
        if low is not None and high is not None and low > high:
            raise wrong("price_from: at most price_to", f"{low:g} and {high:g}")
        return super().filter()
