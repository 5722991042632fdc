from __future__ import annotations

import sys
from pathlib import Path

import pytest

from model.errors import LocalStackError
from streams.local.ports import free_ports
from streams.local.processes import ChildProcess
from streams.local.services import Services, check_running, is_ready
from streams.settings.connections import KafkaSettings, RedisSettings
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from tests.listening import nobody_listens
from tests.streams.local.running import listens, runs


def settings(kafka: KafkaSettings, redis: RedisSettings, folder: Path) -> Settings:
    import msgspec

    model = msgspec.structs.replace(Settings().model, registry=str(folder / "models"))
    return Settings(kafka=kafka, redis=redis, gateway=GatewaySettings(port=free_ports(1)[0]), model=model)


def test_workers_and_gateway_are_ready_inside_and_gone_afterwards(
    kafka_settings: KafkaSettings, redis_settings: RedisSettings, tmp_path: Path
) -> None:
    with Services(settings(kafka_settings, redis_settings, tmp_path), tmp_path, workers=2) as services:
        check_running(services.processes)
        assert [child.name for child in services.processes] == ["worker 1", "worker 2", "gateway"]
        urls = [services.gateway_url, *services.worker_urls]
        assert all(is_ready(url) for url in urls)
        pids = [child.pid for child in services.processes]
    assert not any(runs(pid) for pid in pids)
    assert not any(listens(url.removeprefix("http://")) for url in urls)


def test_rankers_answer_for_the_gateway(
    kafka_settings: KafkaSettings, redis_settings: RedisSettings, tmp_path: Path
) -> None:
    given = settings(kafka_settings, redis_settings, tmp_path)
    with Services(given, tmp_path, workers=0, rankers=2) as services:
        assert [child.name for child in services.processes] == ["ranker 1", "ranker 2", "gateway"]
        assert services.settings.ranker.addresses == tuple(services.ranker_urls)
        assert all(is_ready(url) for url in [services.gateway_url, *services.ranker_urls])
        pids = [child.pid for child in services.processes]
    assert not any(runs(pid) for pid in pids)


def test_a_child_that_ended_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no more')"]
    with ChildProcess("gateway", command, tmp_path / "gateway.log") as child:
        child.wait(30)
        with pytest.raises(LocalStackError, match=r"(?s)gateway .* ended with exit code 1.*no more"):
            check_running([child])


def test_nobody_there_is_not_ready() -> None:
    with nobody_listens() as port:
        assert not is_ready(f"http://127.0.0.1:{port}")
