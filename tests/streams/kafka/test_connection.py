"""A write to a connection that is closed is a Kafka error on uvloop too."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
import uvloop
from aiokafka import conn as library
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from streams.kafka.connection import Connection, mend_connections
from tests.listening import listening


async def write_to_reset(kind: type[AIOKafkaConnection]) -> None:
    """The transport is closed, and the connection's reader has not had its turn yet."""

    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    async def no_question() -> None:
        return None

    async with listening(reset) as port:
        connection = kind("127.0.0.1", port)
        connection._do_version_lookup = no_question
        await connection.connect()
        while connection._reader.exception() is None:  # noqa: ASYNC110  # the very next turn is meant
            await asyncio.sleep(0)
        assert connection.connected()
        try:
            await connection.send(ApiVersionRequest())
        finally:
            connection.close()


def on_uvloop(kind: type[AIOKafkaConnection]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(write_to_reset(kind))


def test_a_connection_that_was_reset() -> None:
    with pytest.raises(RuntimeError, match="clos"):
        on_uvloop(AIOKafkaConnection)  # once this is mended there, it can go here
    with pytest.raises(KafkaConnectionError, match="broken"):
        on_uvloop(Connection)


def test_all_clients_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "AIOKafkaConnection", AIOKafkaConnection)
    mend_connections()
    assert library.AIOKafkaConnection is Connection
