"""Answers on a shared connection reach whoever asked, whatever the others do; and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Connection, Redis
from redis.exceptions import ConnectionError, NoScriptError, ReadOnlyError, RedisError, TimeoutError

from streams.stores.redis.pipeline import PipelinedConnection
from tests.connected.events_on_kafka import eventually
from tests.listening import Answering, listening

PING = len(b"*1\r\n$4\r\nPING\r\n")


@asynccontextmanager
async def connected(host: str, port: int, timeout_s: float = 20.0) -> AsyncIterator[PipelinedConnection]:
    """A pipelined connection, on one that the library opened without a word to the server."""
    link = Connection(host=host, port=port, protocol=2, driver_info=None)
    await link.connect()  # type: ignore[no-untyped-call]  # not annotated there
    connection = PipelinedConnection(link, timeout_s)
    try:
        yield connection
    finally:
        connection.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def scripted(answer: Answering, timeout_s: float = 20.0) -> AsyncIterator[PipelinedConnection]:
    """A connection to a server that does exactly what the test says, byte for byte."""
    async with listening(answer) as port, connected("127.0.0.1", port, timeout_s) as connection:
        yield connection


def after_pings(count: int, said: bytes) -> Answering:
    """A server that says this once so many have come, and keeps the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(count * PING)
        writer.write(said)
        await reader.read()

    return answer


@asynccontextmanager
async def on_valkey(url: str, timeout_s: float = 20.0) -> AsyncIterator[tuple[PipelinedConnection, Redis]]:
    """A connection to a real server, and the library's client beside it."""
    async with Redis.from_url(url) as client:
        host, port = url.removeprefix("redis://").removesuffix("/0").split(":")
        async with connected(host, int(port), timeout_s) as connection:
            yield connection, client


async def ask(connection: PipelinedConnection, *words: str | bytes | int) -> Any:
    return (await connection.exchange([words]))[0]


# What each caller does: how many commands, of how many bytes, and when it gives up, if it does.
callers = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 70_000), st.sampled_from([None, None, None, 0, 1, 3])),
    min_size=1,
    max_size=40,
)


@pytest.mark.connected
@settings(max_examples=30)
@given(callers=callers)
def test_each_gets_its_own_answer_whoever_gives_up(
    valkey_url: str, callers: list[tuple[int, int, int | None]]
) -> None:
    async def one(connection: PipelinedConnection, name: int, count: int, size: int) -> None:
        words = [f"{name}/{n}/".encode() + b"x" * size for n in range(count)]
        assert await connection.exchange([("ECHO", word) for word in words]) == words

    async def run() -> None:
        async with on_valkey(valkey_url) as (connection, _):
            tasks = []
            for name, (count, size, turns) in enumerate(callers):
                task = asyncio.create_task(one(connection, name, count, size))
                tasks.append(task)
                if turns is not None:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends)
            assert connection.usable
            assert await ask(connection, "ECHO", "last") == b"last"

    asyncio.run(run())


@settings(max_examples=50)
@given(
    values=st.lists(st.one_of(st.none(), st.binary(max_size=300), st.integers(-9, 2**40)), max_size=30),
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=10),
)
def test_answers_that_come_in_pieces_are_put_together(
    values: list[bytes | int | None], cuts: list[int]
) -> None:
    def packed(value: bytes | int | None) -> bytes:
        if value is None:
            return b"$-1\r\n"
        return b":%d\r\n" % value if isinstance(value, int) else b"$%d\r\n%b\r\n" % (len(value), value)

    async def run() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(PING * (len(values) + 1))
            whole, at, n = b"".join(map(packed, [*values, 7])), 0, 0
            while at < len(whole):
                writer.write(whole[at : at + cuts[n % len(cuts)]])
                at += cuts[n % len(cuts)]
                n += 1
                await asyncio.sleep(0)
            await reader.read()

        async with scripted(answer) as connection:
            asked = [asyncio.create_task(ask(connection, "PING")) for _ in [*values, 7]]
            assert list(await asyncio.gather(*asked)) == [*values, 7]

    asyncio.run(run())


async def test_an_answer_that_nobody_asked_for_closes_the_connection() -> None:
    async with scripted(after_pings(1, b"+PONG\r\n+PONG\r\n")) as connection:
        assert await ask(connection, "PING") == b"PONG"
        await closed(connection)
        with pytest.raises(ConnectionError):
            await ask(connection, "PING")


async def test_an_answer_that_is_none_fails_every_call_under_way() -> None:
    async with scripted(after_pings(2, b"+PONG\r\n?what\r\n")) as connection:
        calls = [asyncio.create_task(ask(connection, "PING")) for _ in range(2)]
        first, second = await asyncio.gather(*calls, return_exceptions=True)
        assert first == b"PONG"
        assert isinstance(second, ConnectionError)
        assert not connection.usable


async def test_a_server_that_goes_fails_every_call_under_way() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3 * PING)
        writer.write(b"+PONG\r\n$100\r\nhalf of it")
        await writer.drain()

    async with scripted(answer) as connection:
        calls = [asyncio.create_task(ask(connection, "PING")) for _ in range(3)]
        first, *rest = await asyncio.gather(*calls, return_exceptions=True)
        assert first == b"PONG"
        assert all(isinstance(outcome, ConnectionError) for outcome in rest)
        assert not connection.usable


async def test_an_overdue_answer_closes_the_connection() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # says nothing, and keeps the connection

    async with scripted(answer, timeout_s=0.1) as connection:
        async with asyncio.timeout(60):
            calls = [asyncio.create_task(ask(connection, "PING")) for _ in range(3)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, TimeoutError) for outcome in outcomes)
        assert not connection.usable


async def test_an_overdue_answer_to_a_caller_that_gave_up_closes_the_connection() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with scripted(answer, timeout_s=0.1) as connection:
        call = asyncio.create_task(ask(connection, "PING"))
        await asyncio.sleep(0)
        call.cancel()
        await closed(connection)


async def test_a_push_message_is_nobodys_answer() -> None:
    async with scripted(after_pings(1, b">2\r\n+invalidate\r\n*0\r\n+PONG\r\n")) as connection:
        assert await ask(connection, "PING") == b"PONG"


@pytest.mark.connected
async def test_huge_values_travel_whole(valkey_url: str) -> None:
    huge = bytes(range(256)) * 131_072  # 32 MiB
    async with on_valkey(valkey_url) as (connection, _):
        big, small = await asyncio.gather(
            connection.exchange([("ECHO", huge), ("PING",)]), ask(connection, "ECHO", "small")
        )
    assert big == [huge, b"PONG"]
    assert small == b"small"


@pytest.mark.connected
async def test_a_refusal_stands_in_its_place(valkey_url: str) -> None:
    async with on_valkey(valkey_url) as (connection, _):
        before, refused, unknown, after = await connection.exchange(
            [("ECHO", "before"), ("NO-SUCH-COMMAND",), ("EVALSHA", "0" * 40, 0), ("ECHO", "after")]
        )
        assert (before, after) == (b"before", b"after")
        assert isinstance(refused, RedisError)
        assert isinstance(unknown, NoScriptError)
        assert connection.usable


@pytest.mark.connected
async def test_a_killed_connection_fails_its_calls_and_takes_no_more(valkey_url: str) -> None:
    async with on_valkey(valkey_url) as (connection, client):
        number = await ask(connection, "CLIENT", "ID")
        await client.client_pause(60_000, all=False)
        try:
            waiting = asyncio.create_task(ask(connection, "PUBLISH", "nobody-listens", "paused"))
            behind = asyncio.create_task(ask(connection, "ECHO", "behind"))
            assert await client.echo("meanwhile") == b"meanwhile"
            assert not waiting.done()
            assert not behind.done(), "what comes after it waits for it"
            await client.client_kill_filter(_id=str(number))
        finally:
            await client.client_unpause()
        ends = await asyncio.gather(waiting, behind, return_exceptions=True)
        assert all(isinstance(end, ConnectionError) for end in ends)
        await closed(connection)
        with pytest.raises(ConnectionError):
            await ask(connection, "PING")


async def test_read_only_retires_the_connection() -> None:
    go, gone = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2 * PING)
        writer.write(b"-READONLY You can't write against a read only replica.\r\n")
        await go.wait()
        writer.write(b"+PONG\r\n")
        await reader.read()
        gone.set()

    async with scripted(answer) as connection:
        calls = [asyncio.create_task(ask(connection, "PING")) for _ in range(2)]
        assert isinstance(await calls[0], ReadOnlyError)
        assert not connection.usable
        with pytest.raises(ConnectionError):
            await ask(connection, "PING")
        go.set()
        assert await calls[1] == b"PONG", "what is under way is answered"
        async with asyncio.timeout(60):
            await gone.wait()  # the connection is closed then


async def closed(connection: PipelinedConnection) -> None:
    async def is_closed() -> bool:
        return not connection.usable

    await eventually(is_closed)
