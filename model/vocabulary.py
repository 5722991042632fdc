"""An item's row in the id table: its own row or, for unbounded catalogues, a hashed one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from model.hashing import bucket


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ids[k]` has the number k + 1; others have 0. With `buckets`, every id has a number from 1 to that."""

    ids: tuple[str, ...] = ()
    buckets: Annotated[int, Meta(ge=0)] = 0

    @property
    def size(self) -> int:
        """The largest number."""
        return self.buckets or len(self.ids)

    def numbers(self) -> Mapping[str, int]:
        """The numbers of `ids`; empty for a hashed vocabulary."""
        return {item_id: number for number, item_id in enumerate(self.ids, 1)}

    def numbering(self) -> Numbering:
        """A fast look-up of numbers."""
        return Numbering(self)

    def extended(self, item_ids: Iterable[str]) -> Vocabulary:
        """The vocabulary with the new ones of `item_ids` at the end; a hashed one stays as it is."""
        if self.buckets:
            return self
        return Vocabulary(tuple(dict.fromkeys((*self.ids, *item_ids))))


class Numbering:
    """Looks up the numbers of item ids."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._numbers, self._buckets = vocabulary.numbers(), vocabulary.buckets

    def of(self, item_ids: Sequence[str]) -> list[int]:
        """A number for each id.

        >>> Vocabulary(("a", "b")).numbering().of(["b", "x"])
        [2, 0]
        """
        if self._buckets:
            return [bucket(item_id, self._buckets) for item_id in item_ids]
        return [self._numbers.get(item_id, 0) for item_id in item_ids]
