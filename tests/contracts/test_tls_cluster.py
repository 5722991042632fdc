"""The store keeps its contract on a cluster that speaks TLS, too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trustme
from redis import Redis

from streams.local.ports import LOOPBACK
from streams.local.valkey_cluster import ValkeyCluster
from streams.settings.connections import RedisSettings
from tests.contracts.store_contract import SHARDS
from tests.contracts.test_redis_store import OnRedis
from tests.contracts.tls_front import TlsFront

pytestmark = pytest.mark.patient


@pytest.fixture(scope="module")
def encrypted_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its nodes name the ports of their fronts to clients."""
    folder, authority = tmp_path_factory.mktemp("tls-cluster"), trustme.CA()
    with ExitStack() as ending:
        cluster = ValkeyCluster.start(folder)
        ending.callback(cluster.stop)
        fronts = [TlsFront(folder, port, authority) for port in cluster.ports]
        for front in fronts:
            ending.callback(front.close)
        for port, front in zip(cluster.ports, fronts, strict=True):
            said(port, "CONFIG", "SET", "cluster-announce-port", front.port)
        named, deadline_s = {front.port for front in fronts}, time.monotonic() + 60
        while any(primaries(port) != named for port in cluster.ports):
            assert time.monotonic() < deadline_s, "the nodes do not name their fronts"
            time.sleep(0.1)
        yield fronts[0].url


def primaries(port: int) -> set[int]:
    """The ports that a node names to clients."""
    return {part[2][1] for part in said(port, "CLUSTER", "SLOTS")}


def said(port: int, *command: str | int) -> list[list[list[int]]]:
    with Redis(LOOPBACK, port) as node:
        # The library would make a mapping of the answer.
        connection = node.connection_pool.get_connection()
        connection.send_command(*command)
        reply: list[list[list[int]]] = connection.read_response()
        return reply


class TestOnAClusterOverTls(OnRedis):
    @pytest.fixture
    def layout(self, encrypted_cluster: str, prefix: str) -> RedisSettings:
        return RedisSettings(url=encrypted_cluster, prefix=prefix, cluster=True, shards=SHARDS)
