"""Facets as they are asked for, and as they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from model.errors import RequestError
from streams.gateway.errors import ProblemError, problem
from streams.search.facet_fields import MOST_FIELDS, NAME_MOST, PATTERN, facet_field

if TYPE_CHECKING:
    from streams.search.facets import FoundFacet

LONGEST = NAME_MOST + len("attributes.")
FacetName = Annotated[str, Meta(max_length=LONGEST, extra_json_schema={"pattern": PATTERN})]
"""`checked_facets` refuses others, and names those that there are."""
FacetNames = Annotated[list[FacetName], Meta(max_length=MOST_FIELDS)]


class FacetValue(msgspec.Struct):
    """`count`: how many items have it, of all that match the query and the filter, but for what the filter
    says of this field. `chosen`: the filter asks for it.
    """

    value: str
    count: int
    chosen: bool = False


class FacetRange(msgspec.Struct):
    """`count` items have a price from `price_from` to `price_to`, both included: a filter with these bounds
    finds just these.
    """

    price_from: float
    price_to: float
    count: int


class Facet(msgspec.Struct):
    """`field`: as it was asked for. `values`: the most frequent first, and chosen ones in any case; `more`:
    how many further values there are. Of `price`: the lowest and the highest, null where no item has one, and
    some `ranges` of about as many items each, in place of values.
    """

    field: str
    values: list[FacetValue] = []
    more: int = 0
    price_from: float | None = None
    price_to: float | None = None
    ranges: list[FacetRange] = []


def checked_facets(names: Sequence[str]) -> tuple[str, ...]:
    """Raises `ProblemError` for a name that is none of a field."""
    for name in names:
        try:
            facet_field(name)
        except RequestError as error:
            came, _, expected = str(error).partition("; expected ")
            raise ProblemError(
                problem(
                    400, "unknown_facet", expected=expected, came=came,
                    remedy='correct it; see "Facets" in docs/search.md',
                )
            ) from None  # fmt: skip
    return tuple(names)


def answered_facets(found: Sequence[FoundFacet]) -> list[Facet]:
    """As they are answered."""
    return [_facet(each) for each in found]


def _facet(found: FoundFacet) -> Facet:
    values = [FacetValue(*each) for each in found.values]
    if found.prices is None:
        return Facet(found.field, values, found.more)
    ranges = [FacetRange(*each) for each in found.prices.ranges]
    return Facet(found.field, values, found.more, found.prices.low, found.prices.high, ranges)
