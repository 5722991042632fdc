"""The gateway's process: it starts without Kafka, Redis or torch, says so, and ends on SIGTERM."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from model.errors import SettingsError
from streams.commands.main import main
from streams.gateway.serve import listen
from streams.settings.processes import GatewaySettings
from tests.connected.gateway_process import gateway

CLICK = {"type": "click", "event_id": "e", "user_id": "u", "item_id": "i"}


def test_it_answers_without_torch_kafka_and_redis(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,  # accepts connections and never answers
        gateway(tmp_path, _address(silent), f"redis://{_address(silent)}/0", "p.", timeout_ms=300) as running,
    ):
        client = running.client
        assert client.get("/healthz").json() == {"status": "alive"}
        began = time.monotonic()
        ready = client.get("/readyz")
        sent = client.post("/v1/events", json={**CLICK, "ts": time.time_ns() // 1_000_000})
        feed = client.get("/v1/users/u/feed")
        assert time.monotonic() - began < 10
        assert ready.status_code == sent.status_code == feed.status_code == 503
        assert not any(part["ready"] for part in ready.json()["parts"].values())
        assert sent.headers["retry-after"] == feed.headers["retry-after"] == "1"
        assert sent.json()["results"] == [
            {"status": "unconfirmed", "event_id": "e", "reason": "kafka_unavailable"}
        ]
        os.kill(running.process.pid, signal.SIGTERM)
        assert running.process.wait(20), running.log()
        assert running.process.returncode == 0, running.log()
        assert "Traceback" not in running.log()


def test_a_request_in_flight_is_answered_after_sigterm(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        gateway(
            tmp_path, _address(silent), f"redis://{_address(silent)}/0", "p.", timeout_ms=3_000
        ) as running,
        closing(HTTPConnection(running.client.base_url.netloc.decode(), timeout=60)) as client,
    ):
        client.request("GET", "/v1/users/u/feed")
        assert running.client.get("/healthz").status_code == 200  # it came later: the other one was read
        os.kill(running.process.pid, signal.SIGTERM)
        assert client.getresponse().status == 503
        assert running.process.wait(60), running.log()
        assert running.process.returncode == 0, running.log()


def test_a_port_that_is_taken_is_named() -> None:
    with (
        listen(GatewaySettings(port=0)) as taken,
        pytest.raises(SettingsError, match=r"gateway\.port.*set another"),
    ):
        listen(GatewaySettings(port=taken.getsockname()[1]))


def test_a_host_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match=r"gateway\.host 'not an address'"):
        listen(GatewaySettings(host="not an address", port=0))


def test_the_command_names_a_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gateway", "--port", "99999"]) == 2
    assert "$.gateway.port" in capsys.readouterr().err


def test_an_address_of_ipv6_is_one_too() -> None:
    with listen(GatewaySettings(host="::1", port=0)) as listener:
        assert listener.getsockname()[0] == "::1"


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"{host}:{port}"
