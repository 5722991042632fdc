"""Which items a feed or a search may show, as its parameters or its body say it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from model.errors import RequestError
from streams.events.schema import Id, Short
from streams.gateway.errors import ProblemError, problem
from streams.gateway.ranking.bodies import Price
from streams.ranking.attribute_expression import LENGTH_MAX, parse
from streams.ranking.request import NO_FILTER, ItemFilter


class Filtered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`categories`: of which an item has one; `tags`: of which it has all; `price_from`, `price_to`: bounds,
    both included. `available`: false takes withdrawn items too. `attributes`: an expression, such as
    `colour:red and not size:S`. `exclude`: ids of items that are left out.
    """

    categories: Annotated[list[Short], Meta(max_length=64)] = []
    tags: Annotated[list[Short], Meta(max_length=64)] = []
    price_from: Price | None = None
    price_to: Price | None = None
    available: bool = True
    attributes: Annotated[str, Meta(max_length=LENGTH_MAX)] = ""
    exclude: Annotated[list[Id], Meta(max_length=1_000)] = []

    def filter(self) -> ItemFilter:
        """Raises `ProblemError`."""
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
            categories=tuple(self.categories), tags=tuple(self.tags), price_from=self.price_from,
            price_to=self.price_to, available=self.available, expression=expression,
        )  # fmt: skip
        return NO_FILTER if asked == NO_FILTER else asked


def wrong(expected: str, came: str) -> ProblemError:
    """The answer to a parameter that can't be."""
    return ProblemError(
        problem(
            400, "bad_request", expected=expected, came=came, remedy="correct it; GET /schema describes it"
        )
    )
