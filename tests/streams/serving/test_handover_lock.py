"""Who holds the lock when, and who must wait."""

from __future__ import annotations

import asyncio

import pytest

from streams.serving.handover_lock import HandoverLock


async def until_it_waits() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_it_is_open_once_all_have_released_it() -> None:
    lock = HandoverLock()
    await lock.acquire()
    assert lock.share()
    lock.release()
    assert lock.locked()
    assert lock.share()
    lock.release()
    lock.release()
    assert not lock.locked()


async def test_an_open_lock_is_not_shared() -> None:
    lock = HandoverLock()
    assert not lock.share()
    async with lock:
        pass
    assert not lock.share()


async def test_who_waits_comes_before_who_would_share() -> None:
    lock = HandoverLock()
    got: list[str] = []

    async def other() -> None:
        async with lock:
            got.append("other")

    async with lock:
        waiting = asyncio.create_task(other())
        await until_it_waits()
        assert not lock.share()
        assert not got
    await waiting
    assert got == ["other"]
    assert not lock.locked()


async def test_who_gives_up_waiting_is_in_nobodys_way() -> None:
    lock = HandoverLock()
    async with lock:
        waiting = asyncio.create_task(lock.acquire())
        await until_it_waits()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert lock.share()
        lock.release()
    assert not lock.locked()
