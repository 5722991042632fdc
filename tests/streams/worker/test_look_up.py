"""What a batch needs of the store is decoded where that costs least."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from streams.stores.memory import MemoryStore
from streams.worker import look_up
from streams.worker.look_up import AT_ONCE
from tests.streams.worker.conftest import Desk, click, interactions


@pytest.mark.parametrize(("users", "in_core"), [(1, False), (AT_ONCE, True)])
async def test_few_values_are_decoded_on_the_loop_and_many_in_the_core(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, users: int, in_core: bool
) -> None:
    names, decode, threads = [f"u{n}" for n in range(users)], look_up._read, list[str]()

    def watched(*arguments: Any) -> Any:
        threads.append(threading.current_thread().name)
        return decode(*arguments)

    monkeypatch.setattr(look_up, "_read", watched)
    for worker in range(2):  # the second one has none of them at hand
        desk = Desk(store)
        events = [click(worker * users + n, user=user, item=f"i{worker}") for n, user in enumerate(names)]
        assert await desk.take(*events) == events
    assert [name == "core" for name in threads] == [in_core] * 2
    assert [await interactions(store, user) for user in names] == [2] * users
