"""What a request says of its own candidates, for itself alone: what they are, and what speaks for them.

A candidate that the catalogue has keeps its counters, its text and whatever the request does not say. One
that it lacks is described by the request, and is ranked as an item that nobody has met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.hashing import attributes_of
from model.schema import F32
from streams.state.catalog import Catalog

MOST_BOOST = 100.0
"""A boost lies between this and its negative: scores are logarithms of chances."""


@dataclass(frozen=True, slots=True)
class CandidateFields:
    """Of one candidate. None: the request does not say, so what the catalogue has counts.

    `boost`: is added to the score. `relevancy`: how good the caller holds it, on any scale of theirs.
    `text`, float32 [text_dim]: the vector of its text. `item_id`: of a candidate that the catalogue lacks.
    """

    price: float | None = None
    available: bool | None = None
    categories: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    attributes: Mapping[str, str] | None = None
    boost: float = 0.0
    relevancy: float | None = None
    item_id: str = ""
    text: F32 | None = None

    @property
    def says_what_it_is(self) -> bool:
        """Whether an item is another one to a model that reads this."""
        told = (self.price, self.categories, self.tags)
        return self.text is not None or any(each is not None for each in told)

    @property
    def filtered(self) -> bool:
        """Whether a filter reads any of it."""
        told = (self.price, self.categories, self.tags, self.attributes, self.available)
        return any(each is not None for each in told)


@dataclass(frozen=True, slots=True)
class GivenFields:
    """`of`: the fields of candidates by row. A candidate that the catalogue lacks has a row below 0: -1, -2
    and so on. `relevancy_weight`: what a standard deviation of `relevancy` adds to a score.
    """

    of: Mapping[int, CandidateFields]
    relevancy_weight: float = 1.0

    @property
    def guests(self) -> Sequence[CandidateFields]:
        """The candidates that the catalogue lacks, in the order of their rows: -1 first."""
        return [self.of[row] for row in sorted((row for row in self.of if row < 0), reverse=True)]


@dataclass(frozen=True, slots=True)
class Described:
    """A candidate as the request and the catalogue together have it."""

    item_id: str
    categories: Sequence[str]
    tags: Sequence[str]
    attributes: Mapping[str, str]
    price: float | None
    available: bool

    def numbers(self) -> NDArray[np.int32]:
        """What an item tower reads of it besides its text (`model.hashing`)."""
        return attributes_of(self.categories, self.tags, self.price)


def described(fields: CandidateFields, catalog: Catalog, row: int) -> Described:
    """row: in the catalogue; below 0 for a candidate that it lacks."""
    if row < 0:
        return Described(
            fields.item_id, fields.categories or (), fields.tags or (), fields.attributes or {}, fields.price,
            fields.available is not False,
        )  # fmt: skip
    known = catalog.facets.of(row)
    return Described(
        item_id=catalog.ids[row],
        categories=known.categories if fields.categories is None else fields.categories,
        tags=known.tags if fields.tags is None else fields.tags,
        attributes=known.attributes if fields.attributes is None else fields.attributes,
        price=known.price if fields.price is None else fields.price,
        available=bool(catalog.available[row]) if fields.available is None else fields.available,
    )


def given_parts(given: GivenFields | None) -> tuple[Any, ...]:
    """What names these fields in a slate's id; nothing where nothing is said, so other slates keep theirs."""
    if given is None:
        return ()
    told = [(row, *_parts(given.of[row])) for row in sorted(given.of)]
    return ("given", float(given.relevancy_weight), *told)


def _parts(fields: CandidateFields) -> tuple[Any, ...]:
    numbers = [None if each is None else float(each) for each in (fields.price, fields.relevancy)]
    return (
        *numbers,
        fields.available,
        fields.categories,
        fields.tags,
        None if fields.attributes is None else sorted(fields.attributes.items()),
        float(fields.boost),
        fields.item_id,
        None if fields.text is None else fields.text.tobytes(),
    )
