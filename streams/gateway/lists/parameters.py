"""The query parameters that lists have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import PathParameter, QueryParameter

from streams.events.refused_value import with_value
from streams.gateway.feeds import USER_ID_MAX, out_of_range
from streams.gateway.ranking.filtered import Filtered
from streams.ranking.attribute_expression import LENGTH_MAX
from streams.ranking.lists.page import MOST
from streams.ranking.request import ItemFilter

DEFAULT_N = 10
NAMES_MOST, NAME_MOST = 64, 256
ID_PATTERN = r"^(?!\.{1,2}$)[^/]+$"
"""Of an id in a path: "." and ".." are steps in it, and a slash ends the id."""

N = Annotated[int, QueryParameter(ge=1, le=MOST, description="How many items.")]
Cursor = Annotated[
    str,
    QueryParameter(
        max_length=2_048,
        description="The `cursor` of the page before, with all other parameters as they were.",
    ),
]


def _names(description: str) -> QueryParameter:
    """Texts that `filter_of` checks."""
    one = Schema(type=OpenAPIType.STRING, min_length=1, max_length=NAME_MOST)
    return QueryParameter(max_items=NAMES_MOST, description=description, schema_extra={"items": one})


def _price(description: str) -> QueryParameter:
    """A bound that may be left out, and is no null in a query."""
    plain = {"one_of": None, "type": OpenAPIType.NUMBER, "minimum": 0}
    return QueryParameter(ge=0, le=1e12, description=description, schema_extra=plain)


Categories = Annotated[Sequence[str], _names("An item is in one of these.")]
Tags = Annotated[Sequence[str], _names("An item has all of these.")]
Attributes = Annotated[
    str,
    QueryParameter(
        max_length=LENGTH_MAX,
        description="What an item must have, as `colour:red and not (size:S or size:M)`.",
    ),
]
PriceFrom = Annotated[float | None, _price("An item costs as much, or more.")]
PriceTo = Annotated[float | None, _price("An item costs as much, or less.")]
ItemId = Annotated[
    str,
    PathParameter(min_length=1, max_length=USER_ID_MAX, pattern=ID_PATTERN, description="The item's id."),
]
UserId = Annotated[
    str,
    PathParameter(min_length=1, max_length=USER_ID_MAX, pattern=ID_PATTERN, description="The user's id."),
]
OF_FILTER = ("categories", "tags", "attributes", "price_from", "price_to")


def filter_of(
    categories: Sequence[str],
    tags: Sequence[str],
    attributes: str,
    price_from: float | None,
    price_to: float | None,
) -> ItemFilter:
    """What is asked for, within the bounds of a feed that is ranked now; raises `ProblemError`."""
    given = {
        "categories": list(categories), "tags": list(tags), "attributes": attributes,
        "price_from": price_from, "price_to": price_to,
    }  # fmt: skip
    try:
        return msgspec.convert(given, Filtered).filter()
    except msgspec.ValidationError as error:
        raise out_of_range(
            "categories, tags, attributes, prices", "as /schema has it", with_value(str(error), given)
        ) from None
