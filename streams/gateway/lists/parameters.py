"""The query parameters that lists have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any

from litestar import Request
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import PathParameter, QueryParameter

from streams.gateway.errors import ProblemError, problem
from streams.gateway.feeds import USER_ID_MAX
from streams.ranking.lists.page import MOST
from streams.ranking.request import NO_FILTER, ItemFilter

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


def _names(description: str, pattern: str | None = None) -> QueryParameter:
    """Texts that `filter_of` checks."""
    one = Schema(type=OpenAPIType.STRING, min_length=1, max_length=NAME_MOST, pattern=pattern)
    return QueryParameter(max_items=NAMES_MOST, description=description, schema_extra={"items": one})


def _price(description: str) -> QueryParameter:
    """A bound that may be left out, and is no null in a query."""
    plain = {"one_of": None, "type": OpenAPIType.NUMBER, "minimum": 0}
    return QueryParameter(ge=0, le=1e12, description=description, schema_extra=plain)


Categories = Annotated[Sequence[str], _names("An item is in one of these.")]
Tags = Annotated[Sequence[str], _names("An item has all of these.")]
Attributes = Annotated[Sequence[str], _names("An item has each of these, as NAME:VALUE.", r"^[^:]+:")]
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


def check_known(request: Request[Any, Any, Any], known: Collection[str]) -> None:
    """Raises `ProblemError` for a parameter that it does not have: a misspelt filter filters nothing."""
    unknown = sorted({name for name, _ in request.query_params.multi_items()} - set(known))
    if unknown:
        raise ProblemError(
            problem(
                400, "unknown_parameter", expected=f"some of {', '.join(known)}",
                came=", ".join(name[:64] for name in unknown[:8]), remedy="leave out what is not in the list",
            )
        )  # fmt: skip


def filter_of(
    categories: Sequence[str],
    tags: Sequence[str],
    attributes: Sequence[str],
    price_from: float | None,
    price_to: float | None,
) -> ItemFilter:
    """What is asked for; raises `ProblemError`."""
    for name, values in (("categories", categories), ("tags", tags), ("attributes", attributes)):
        for value in values:
            if not 1 <= len(value) <= NAME_MOST:
                raise _out_of_range(name, f"1 to {NAME_MOST} characters", f"{len(value)} characters")
    pairs = [value.partition(":") for value in attributes]
    for value, (name, colon, _) in zip(attributes, pairs, strict=True):
        if not name or not colon:
            raise _out_of_range("attributes", "NAME:VALUE", value)
    if price_from is not None and price_to is not None and price_from > price_to:
        raise _out_of_range("price_from", f"at most price_to, {price_to:g}", f"{price_from:g}")
    asked = ItemFilter(
        tuple(categories), tuple(tags), {name: value for name, _, value in pairs}, price_from, price_to
    )
    return NO_FILTER if asked == NO_FILTER else asked


def _out_of_range(name: str, expected: str, came: str) -> ProblemError:
    return ProblemError(
        problem(
            400, "out_of_range", expected=f"{name}: {expected}", came=came,
            remedy=f"ask again with {name} in range",
        )
    )  # fmt: skip
