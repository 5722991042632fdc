"""Reads of one turn of the loop are one call; each gets its own value, or its own error."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import StoreUnavailableError
from streams.gateway.joined_reads import MOST, JoinedReads


class Source:
    """Answers each user with the name in capitals, and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.error: Exception | None = None
        self.held: asyncio.Event | None = None

    async def read(self, users: Sequence[str]) -> list[str]:
        self.calls.append(list(users))
        if self.held is not None:
            await self.held.wait()
        if self.error is not None:
            raise self.error
        return [user.upper() for user in users]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def reads(source: Source) -> JoinedReads[str]:
    return JoinedReads(source.read, timeout_s=20)


async def test_one_turn_is_one_call(reads: JoinedReads[str], source: Source) -> None:
    async def request(user: str) -> str:
        return await reads.read(user)

    assert await asyncio.gather(*map(request, "abca")) == ["A", "B", "C", "A"]
    assert source.calls == [["a", "b", "c", "a"]]


async def test_another_turn_waits_for_no_call_that_is_under_way(
    reads: JoinedReads[str], source: Source
) -> None:
    source.held = asyncio.Event()
    first = asyncio.ensure_future(reads.read("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = reads.read("b")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert source.calls == [["a"], ["b"]]
    source.held.set()
    assert (await first, await second) == ("A", "B")


@given(st.integers(1, 3 * MOST))
def test_a_call_has_a_bound_and_nobody_gets_another_ones_value(count: int) -> None:
    source = Source()

    async def run() -> list[str]:
        reads = JoinedReads(source.read, timeout_s=5)
        return list(await asyncio.gather(*(reads.read(f"u{number}") for number in range(count))))

    assert asyncio.run(run()) == [f"U{number}" for number in range(count)]
    assert max(map(len, source.calls)) <= MOST
    assert len(source.calls) == -(-count // MOST)


async def test_an_error_reaches_everyone_who_asked_and_nobody_later(
    reads: JoinedReads[str], source: Source
) -> None:
    source.error = StoreUnavailableError("down")
    failed = await asyncio.gather(reads.read("a"), reads.read("b"), return_exceptions=True)
    assert [str(error) for error in failed] == ["down", "down"]
    source.error = None
    assert await reads.read("c") == "C"


async def test_a_call_that_hangs_is_given_up(source: Source) -> None:
    source.held, reads = asyncio.Event(), JoinedReads(source.read, timeout_s=0.05)
    with pytest.raises(StoreUnavailableError, match="no answer within 50 ms"):
        await reads.read("a")


async def test_who_goes_away_takes_nothing_from_the_others(reads: JoinedReads[str], source: Source) -> None:
    async def request(user: str) -> str:
        return await reads.read(user)

    gone, stays = asyncio.create_task(request("a")), asyncio.create_task(request("b"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == "B"
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_source_that_answers_too_little_is_an_error(source: Source) -> None:
    async def short(users: Sequence[str]) -> list[str]:
        return ["A"]

    reads = JoinedReads(short, timeout_s=1)
    got = await asyncio.gather(reads.read("a"), reads.read("b"), return_exceptions=True)
    assert got[0] == "A"
    assert isinstance(got[1], ValueError)
