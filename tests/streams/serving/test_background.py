"""Work that can wait: what it returns, and that it yields."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from streams.serving.background import LOWEST_PRIORITY, Background


async def test_a_call_gives_what_the_function_returns_or_raises() -> None:
    background = Background()
    assert await background.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await background.call(divmod, 7, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
async def test_only_its_own_thread_has_the_lowest_priority() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    assert await Background().call(priority) == LOWEST_PRIORITY
    assert priority() == before
