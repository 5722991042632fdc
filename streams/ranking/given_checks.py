"""What a caller may say of their own candidates: checked once, with the request (`request_checks`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from model.errors import RequestError
from streams.ranking.given_fields import MOST_BOOST, CandidateFields, GivenFields

MOST_NUMBER = 1e12


def check_given(given: Any, candidates: object, text_dim: int) -> None:
    """`candidates`: the rows of the request, or None. Raises `RequestError`."""
    if given is None:
        return
    _expect(isinstance(given, GivenFields), "given", given, "`GivenFields`")
    rows = set(candidates) if isinstance(candidates, tuple | list) else set()
    _expect(
        _number(given.relevancy_weight) and abs(given.relevancy_weight) <= MOST_BOOST,
        "given.relevancy_weight",
        given.relevancy_weight,
        f"a number from {-MOST_BOOST:g} to {MOST_BOOST:g}",
    )
    _expect(isinstance(given.of, Mapping), "given.of", given.of, "fields by row")
    unknown = sorted((row for row in given.of if row < 0), reverse=True)
    _expect(
        unknown == list(range(-1, -len(unknown) - 1, -1)),
        "given.of",
        unknown,
        "rows -1, -2 and so on, without a gap, for candidates that the catalogue lacks",
    )
    for row, fields in given.of.items():
        _expect(row in rows, "given.of", row, "rows of `candidates`")
        _check(f"given.of[{row}]", row, fields, text_dim)


def _check(name: str, row: int, fields: Any, text_dim: int) -> None:
    _expect(isinstance(fields, CandidateFields), name, fields, "`CandidateFields`")
    _expect(
        _number(fields.boost) and abs(fields.boost) <= MOST_BOOST,
        f"{name}.boost",
        fields.boost,
        f"a number from {-MOST_BOOST:g} to {MOST_BOOST:g}",
    )
    for part, least in (("price", 0.0), ("relevancy", -MOST_NUMBER)):
        value = getattr(fields, part)
        fits = value is None or (_number(value) and least <= value <= MOST_NUMBER)
        _expect(fits, f"{name}.{part}", value, f"a number from {least:g} to {MOST_NUMBER:g}")
    available = fields.available
    _expect(available is None or isinstance(available, bool), f"{name}.available", available, "true or false")
    for part in ("categories", "tags"):
        value = getattr(fields, part)
        fits = value is None or (isinstance(value, tuple) and all(isinstance(each, str) for each in value))
        _expect(fits, f"{name}.{part}", value, "texts")
    attributes = fields.attributes
    fits = attributes is None or (
        isinstance(attributes, Mapping)
        and all(isinstance(each, str) for pair in attributes.items() for each in pair)
    )
    _expect(fits, f"{name}.attributes", attributes, "a table of names and texts")
    text = fields.text
    fits = text is None or (
        isinstance(text, np.ndarray)
        and text.dtype == np.float32
        and text.shape == (text_dim,)
        and bool(np.isfinite(text).all())
    )
    _expect(fits, f"{name}.text", text, f"{text_dim} finite float32 numbers")
    if row < 0:
        _expect(fields.item_id != "", f"{name}.item_id", fields.item_id, "an id, as the catalogue lacks it")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _expect(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        told = f"an array {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise RequestError(f"{name} is {told[:100]}; expected {expected}")
