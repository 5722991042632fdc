"""What a caller may ask a ranking for: checked once, before a request is made.

`RankRequest` itself checks nothing, since stages make requests of their own from checked ones.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import numpy as np

from model.errors import RequestError
from streams.ranking.given_checks import check_given
from streams.ranking.given_fields import GivenFields
from streams.ranking.request import NO_FILTER, ItemFilter, RankRequest, Search, Suiting
from streams.ranking.stage_plan import StagePlan

MOST_PLACES = 200  # as many as `feed.size` may be
MOST_NAMED = 10_000  # rows or names in one list of a request
HIGHEST_ROW = 2**31 - 1

_KNOWN = {*RankRequest.__struct_fields__}


def check(asked: Mapping[str, Any], items: int, text_dim: int) -> None:
    """Check fields of `RankRequest`; a catalog of `items` items, texts of `text_dim` numbers.

    Raises `RequestError` for an unknown field and for a value that can't be.

    >>> check({"size": 5, "exclude": (1, 2)}, items=10, text_dim=64)
    >>> check({"size": -5}, items=10, text_dim=64)
    Traceback (most recent call last):
    model.errors.RequestError: size is -5; expected a whole number from 0 to 200, 0 for feed.size
    """
    for name, value in asked.items():
        if name not in _KNOWN:
            raise RequestError(
                f"a request has no field {name!r}; expected some of {', '.join(sorted(_KNOWN))}"
            )
        if name == "size":
            most = max(MOST_PLACES, _length(asked.get("candidates")))
            if not (_whole(value) and 0 <= value <= most):
                _refuse(name, value, f"a whole number from 0 to {most}, 0 for feed.size")
        elif name in ("exclude", "score_also"):
            _rows(name, value, items if name == "score_also" else HIGHEST_ROW + 1)
        elif name == "candidates":
            if value is not None:
                _rows(name, value, items, least=-_guests(asked.get("given")))
                _expect(len(set(value)) == len(value), name, value, "each row once")
        elif name in ("user", "cause", "arm", "model", "surface"):
            _expect(isinstance(value, str), name, value, "a text")
        elif name in ("complete", "explain"):
            _expect(isinstance(value, bool), name, value, "true or false")
        elif name == "plan":
            _expect(isinstance(value, StagePlan), name, value, "a plan that `Recommender.plan` makes")
        elif name == "search":
            _search(value, text_dim)
        elif name == "filter":
            _filter(value)
        elif name == "suiting":
            _suiting(value)
        elif name == "given":
            check_given(value, asked.get("candidates"), text_dim)


def _search(search: Any, text_dim: int) -> None:
    if search is None:
        return
    _expect(isinstance(search, Search), "search", search, "a `Search`")
    _expect(isinstance(search.text, str), "search.text", search.text, "a text")
    vector = search.vector
    fits = isinstance(vector, np.ndarray) and vector.dtype == np.float32 and vector.shape == (text_dim,)
    _expect(
        fits and bool(np.isfinite(vector).all()),
        "search.vector",
        vector,
        f"{text_dim} finite float32 numbers",
    )


def _suiting(suiting: Any) -> None:
    if suiting is None:
        return
    _expect(isinstance(suiting, Suiting), "suiting", suiting, "a `Suiting`")
    rows, score = suiting.rows, suiting.score
    fits = all(isinstance(each, np.ndarray) and each.ndim == 1 for each in (rows, score))
    _expect(fits and len(rows) == len(score), "suiting.score", score, "a score for each row")
    _expect(bool((np.diff(rows) > 0).all()), "suiting.rows", rows, "rows in rising order, each once")
    _expect(bool(np.isfinite(score).all()), "suiting.score", score, "finite numbers")
    _expect(math.isfinite(suiting.net), "suiting.net", suiting.net, "a finite number")


def _filter(asked: ItemFilter) -> None:
    if asked is NO_FILTER:
        return
    _expect(isinstance(asked, ItemFilter), "filter", asked, "an `ItemFilter`")
    for name, values in (("categories", asked.categories), ("tags", asked.tags)):
        _list(f"filter.{name}", values, _named, "texts that are not empty")
    attributes = asked.attributes
    _expect(isinstance(attributes, Mapping), "filter.attributes", attributes, "a table of names and texts")
    pairs = [part for pair in attributes.items() for part in pair]
    _list("filter.attributes", pairs, lambda part: isinstance(part, str), "texts")
    low, high = asked.price_from, asked.price_to
    for name, price in (("price_from", low), ("price_to", high)):
        number = isinstance(price, int | float) and not isinstance(price, bool)
        _expect(
            price is None or (number and math.isfinite(price)), f"filter.{name}", price, "a finite number"
        )
    if low is not None and high is not None and low > high:
        _refuse("filter.price_from", low, f"at most filter.price_to, {high}")
    _expect(isinstance(asked.available, bool), "filter.available", asked.available, "true or false")
    expression = asked.expression
    _expect(
        expression is None or isinstance(expression, tuple),
        "filter.expression",
        expression,
        "what `attribute_expression.parse` makes",
    )


def _guests(given: object) -> int:
    """How many candidates the catalogue lacks."""
    return sum(row < 0 for row in given.of) if isinstance(given, GivenFields) else 0


def _rows(name: str, rows: Collection[int], below: int, least: int = 0) -> None:
    with contextlib.suppress(msgspec.ValidationError):  # in one call: each of 300 by itself takes 100 us
        if isinstance(rows, tuple | list):
            msgspec.convert(rows, _rows_within(_least(name, below, least), below))
            return
    _list(name, rows, _whole, "rows of the catalog")
    if name in ("score_also", "candidates"):
        for row in rows:
            _expect(
                least <= row < below, name, row, f"rows from 0 to {below - 1}: those of items that were met"
            )
    else:  # a row beyond the catalog is nothing that could be shown
        for row in rows:
            _expect(_least(name, below, least) <= row < below, name, row, "rows of the catalog")


@lru_cache(maxsize=16)
def _rows_within(least: int, below: int) -> Any:
    """The type of lists of whole numbers from `least` up to `below`, which is none of them."""
    row = Annotated[int, msgspec.Meta(ge=least, lt=below)]
    return Annotated[tuple[row, ...], msgspec.Meta(max_length=MOST_NAMED)]


def _least(name: str, below: int, least: int) -> int:
    """The lowest row that may be named; beyond the catalog, nothing is shown in any case."""
    return 1 - below if name == "exclude" else least


def _list(name: str, values: Any, fits: Callable[[Any], bool], expected: str) -> None:
    _expect(isinstance(values, tuple | list), name, values, f"a list of {expected}")
    if len(values) > MOST_NAMED:
        raise RequestError(f"{name} has {len(values)} entries; expected {MOST_NAMED} at most")
    for value in values:
        _expect(fits(value), name, value, expected)


def _length(rows: object) -> int:
    return len(rows) if isinstance(rows, tuple | list) else 0


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _named(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _expect(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        _refuse(name, value, expected)


def _refuse(name: str, value: object, expected: str) -> None:
    raise RequestError(f"{name} is {_short(value)}; expected {expected}")


def _short(value: object) -> str:
    text = f"an array {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) <= 100 else text[:99] + "…"
