"""The list of models to keep, changed by several at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from model.errors import FencedError, StoreError
from streams.serving.retained_models import ATTEMPTS, NOTE, encode_retained, read_retained, retain
from streams.stores.commit import digest_of
from streams.stores.memory import MemoryStore


class Raced(MemoryStore):
    """Others change the list, `times` times, between a look at it and the write."""

    times = 1

    async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
        found = await super().notes(names, about)
        if self.times:
            self.times -= 1
            other = encode_retained([f"other{self.times}"])
            await super().put_note(NOTE, other, digest_of(found[0]), 1_000_000)
        return found


async def test_who_comes_second_loses_nothing_of_the_first() -> None:
    assert await retain(Raced(), "mine", True) == {"mine", "other0"}


async def test_who_never_comes_first_is_told() -> None:
    store = Raced()
    store.times = ATTEMPTS
    with pytest.raises(FencedError):
        await retain(store, "mine", True)


async def test_a_list_that_can_not_be_read_is_not_taken_for_none() -> None:
    store = MemoryStore()
    await store.put_note(NOTE, b"damaged", "", 1_000_000)
    with pytest.raises(StoreError):
        await read_retained(store)
