"""Facets as they are asked for, and as they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import QueryParameter
from msgspec import Meta

from model.errors import RequestError
from streams.gateway.errors import ProblemError, problem
from streams.search.facet_fields import MOST_FIELDS, NAME_MOST, PATTERN, facet_field
from streams.search.wanted import VALUES_MOST

if TYPE_CHECKING:
    from streams.search.facets import FoundFacet

LONGEST = NAME_MOST + len("attributes.")
FacetName = Annotated[str, Meta(max_length=LONGEST, extra_json_schema={"pattern": PATTERN})]
"""`checked_facets` refuses others, and names those that there are."""
FacetNames = Annotated[list[FacetName], Meta(max_length=MOST_FIELDS)]
_ONE = Schema(type=OpenAPIType.STRING, pattern=PATTERN, max_length=LONGEST)
FacetsAsked = Annotated[
    Sequence[str],
    QueryParameter(
        max_items=MOST_FIELDS,
        description="Count all that match by this field; may stand several times.",
        schema_extra={"items": _ONE},
    ),
]
FacetValues = Annotated[
    int, QueryParameter(description="How many values of each facet.", ge=1, le=VALUES_MOST)
]


class FacetValue(msgspec.Struct):
    """`count`: how many items have it, of all that match the query and the filter, but for what the filter
    says of this field. `chosen`: the filter asks for it.
    """

    value: str
    count: int
    chosen: bool


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
    values: list[FacetValue]
    more: int
    ranges: list[FacetRange]
    price_from: float | None = None
    price_to: float | None = None


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
        return Facet(found.field, values, found.more, [])
    ranges = [FacetRange(*each) for each in found.prices.ranges]
    return Facet(found.field, values, found.more, ranges, found.prices.low, found.prices.high)
