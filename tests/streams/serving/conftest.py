"""A store in memory and a desk over it, as the tests of the worker have them."""

from __future__ import annotations

import pytest

from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import Desk


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def desk(store: MemoryStore) -> Desk:
    return Desk(store)
