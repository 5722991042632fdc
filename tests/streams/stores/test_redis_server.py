"""Both ways to a server lead where the URL says: user, password, database, TLS, socket."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from redis.asyncio import Redis

from model.errors import StoreUnavailableError
from streams.settings.connections import RedisSettings
from streams.stores.redis.server import RedisServer
from tests.connected.events_on_kafka import eventually
from tests.contracts.own_server import Server
from tests.listening import listening

pytestmark = pytest.mark.connected


@asynccontextmanager
async def reached(url: str, timeout_ms: int = 20_000) -> AsyncIterator[RedisServer]:
    redis = RedisServer(RedisSettings(url=url, timeout_ms=timeout_ms, connections=2))
    try:
        yield redis
    finally:
        await redis.close()


async def started(server: Server, *options: str) -> None:
    server.start(*options)
    async with reached(server.url) as redis:

        async def answers() -> bool:
            try:
                return bool(await redis.pooled.call("PING"))
            except StoreUnavailableError:
                return False

        await eventually(answers)


async def both(redis: RedisServer, *command: str) -> list[bytes]:
    return [await way.call(*command) for way in (redis.hot, redis.pooled)]


async def test_the_database_of_the_url(server: Server) -> None:
    await started(server)
    third = server.url.replace("/0", "/3")
    async with reached(third) as redis, Redis.from_url(third) as client:
        await redis.hot.call("SET", "k", "v")
        assert await client.get("k") == b"v"
        assert await both(redis, "GET", "k") == [b"v", b"v"]


async def test_user_and_password_of_the_url(server: Server) -> None:
    await started(server)
    async with reached(server.url) as redis:
        await redis.hot.call("ACL", "SETUSER", "app", "on", ">s3cret word", "~*", "&*", "+@all")
    user = server.url.replace("//", "//app:s3cret%20word@")
    async with reached(user) as redis:
        assert await both(redis, "ACL", "WHOAMI") == [b"app", b"app"]
    async with reached(user.replace("%20", "")) as redis:
        for way in (redis.hot, redis.pooled):
            with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{server.port}") as caught:
                await way.call("PING")
            assert "s3cret" not in str(caught.value)
    async with reached(server.url) as redis:
        await redis.hot.call("ACL", "SETUSER", "app", "-get")
    async with reached(user) as redis:
        for way in (redis.hot, redis.pooled):
            with pytest.raises(StoreUnavailableError, match="refused"):
                await way.call("GET", "k")
            assert await way.call("PING") == b"PONG", "the connection is as good as before"


async def test_messages_name_a_server_without_a_password_among_its_parameters() -> None:
    async def hang_up(*_: object) -> None:
        return

    async with (
        listening(hang_up) as port,
        reached(f"redis://127.0.0.1:{port}/0?password=s3cr@t", 500) as redis,
    ):
        for way in (redis.hot, redis.pooled):
            with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{port}") as caught:
                await way.call("PING")
            assert "s3cr" not in str(caught.value)
            assert "password=•••" in str(caught.value)


async def test_a_socket_in_the_file_system(server: Server, tmp_path: Path) -> None:
    await started(server, "--unixsocket", str(tmp_path / "valkey.sock"))
    async with reached(f"unix://{tmp_path}/valkey.sock?db=2") as redis:
        await redis.hot.call("SET", "k", "v")
        assert await both(redis, "GET", "k") == [b"v", b"v"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes the certificate")
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_tls(server: Server, tmp_path: Path, loop: object) -> None:
    """The server of the wheel has no TLS: a proxy before it has."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            await asyncio.gather(pipe(reader, back), pipe(there, writer))
        finally:
            back.close()

    async def run() -> None:
        await started(server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        async with listening(serve, context) as port:
            huge = "x" * 3_000_000
            async with reached(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={cert}") as redis:
                await redis.hot.call("SET", "k", huge)
                assert await both(redis, "GET", "k") == [huge.encode()] * 2
            async with reached(f"rediss://127.0.0.1:{port}/0") as redis:  # nobody vouches for it
                for way in (redis.hot, redis.pooled):
                    with pytest.raises(StoreUnavailableError, match="certificate"):
                        await way.call("GET", "k")

    with asyncio.Runner(loop_factory=loop) as runner:  # type: ignore[arg-type]  # uvloop's is not asyncio's
        runner.run(run())


async def test_a_caller_that_gives_up_while_it_connects_leaves_no_trace(server: Server) -> None:
    await started(server)
    async with reached(server.url) as redis:
        for turns in range(12):
            call = asyncio.create_task(redis.hot.call("ECHO", "given up"))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            ends = await asyncio.gather(call, redis.hot.call("ECHO", str(turns)), return_exceptions=True)
            assert ends[1] == str(turns).encode()
            redis.hot.drop()


async def test_connecting_is_bounded_too() -> None:
    """A server that takes the connection and says nothing."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        async with reached(f"redis://:secret@127.0.0.1:{port}/1", timeout_ms=100) as redis:
            async with asyncio.timeout(60):
                ends = await asyncio.gather(
                    *(redis.hot.call("PING") for _ in range(5)), return_exceptions=True
                )
        assert all(isinstance(end, StoreUnavailableError) for end in ends)
        assert "within 0.1 s" in str(ends[0])
