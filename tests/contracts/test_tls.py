"""The store over TLS keeps the contract, and talks to no server that its certificate does not vouch for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import uvloop
from redis.exceptions import RedisError

from model.errors import StoreUnavailableError
from streams.settings.connections import RedisSettings
from streams.stores.redis.server import RedisServer
from streams.stores.redis.store import RedisStore
from tests.conftest import patient
from tests.contracts.store_contract import batch, told
from tests.contracts.test_redis_store import OnRedis
from tests.contracts.tls_front import TlsFront

pytestmark = pytest.mark.patient


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> Iterator[TlsFront]:
    port = urlsplit(valkey_url).port
    assert port is not None
    front = TlsFront(tmp_path_factory.mktemp("tls"), port)
    yield front
    front.close()


@pytest.fixture
def encrypted(front: TlsFront, redis_settings: RedisSettings) -> RedisSettings:
    return msgspec.structs.replace(redis_settings, url=front.url)


class TestOverTls(OnRedis):
    @pytest.fixture
    def layout(self, encrypted: RedisSettings) -> RedisSettings:
        return encrypted


def test_a_workers_loop_talks_tls(encrypted: RedisSettings) -> None:
    """Workers and gateways run on uvloop, whose TLS is not asyncio's."""

    async def exchange() -> None:
        store = RedisStore(patient(encrypted))
        try:
            news = await store.hear_of_feeds()
            state = bytes(range(256)) * 4_096  # 1 MiB: many records of TLS
            await store.commit(batch(states={"u": state}, feeds={"u": b"f"}), "w")
            (found,) = await store.states(["u"])
            same = found == state  # pytest would compare them line by line
            assert same
            assert await told(news, 1) == ["u"]
            news.close()
        finally:
            await store.close()

    loop = uvloop.new_event_loop()
    loop.run_until_complete(exchange())
    loop.close()


async def test_a_certificate_of_an_unknown_authority_is_refused(
    encrypted: RedisSettings, tmp_path: Path, valkey_url: str
) -> None:
    port = urlsplit(valkey_url).port
    assert port is not None
    stranger = TlsFront(tmp_path, port)
    try:
        mine = urlsplit(encrypted.url)
        url = mine._replace(netloc=f"127.0.0.1:{stranger.port}").geturl()
        store = RedisStore(msgspec.structs.replace(encrypted, url=url))
        with pytest.raises(StoreUnavailableError, match="certificate"):
            await store.active_model()
        await store.close()
    finally:
        stranger.close()


async def test_plain_text_to_a_port_with_tls_is_an_error_and_no_hang(encrypted: RedisSettings) -> None:
    plain = f"redis://127.0.0.1:{urlsplit(encrypted.url).port}/0"
    store = RedisStore(msgspec.structs.replace(encrypted, url=plain))
    async with asyncio.timeout(30):
        with pytest.raises(StoreUnavailableError):
            await store.active_model()
    await store.close()


async def test_connections_share_one_context_until_a_file_changes(
    front: TlsFront, encrypted: RedisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To make one reads all authorities of the system, on the loop: after an outage, once a connection."""
    made = list[object]()
    make = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        made.append(None)
        return make()

    monkeypatch.setattr(ssl, "create_default_context", counted)
    server = RedisServer(patient(encrypted))
    try:
        for _ in range(5):
            await (await server.opened()).disconnect()
        assert await server.hot.call("PING") == b"PONG"
        assert len(made) == 1
        front.authority.write_bytes(front.authority.read_bytes() + b"\n")  # renewed
        for _ in range(3):
            await (await server.opened()).disconnect()
        assert len(made) == 2
    finally:
        await server.close()


async def test_a_file_that_is_gone_is_an_error_and_no_old_context(
    front: TlsFront, encrypted: RedisSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "authority.pem"
    copy.write_bytes(front.authority.read_bytes())
    url = encrypted.url.replace(str(front.authority), str(copy))
    server = RedisServer(patient(msgspec.structs.replace(encrypted, url=url)))
    try:
        assert await server.pooled.call("PING") == b"PONG"
        copy.unlink()
        with pytest.raises(RedisError, match="No such file"):
            await server.opened()
    finally:
        await server.close()
