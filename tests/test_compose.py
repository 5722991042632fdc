"""docker-compose.yml and ops/: no engine is at hand here, so they are checked against the code they run."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from model.errors import SettingsError
from streams.commands.main import COMMANDS
from streams.gateway.host_check import HostNames
from streams.local.kafka_jars import KAFKA_VERSION
from streams.settings.reading import load
from streams.settings.tree import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
OURS = ("topics", "worker", "gateway", "renew")


def read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


SERVICES: dict[str, dict[str, Any]] = read(COMPOSE)["services"]


def settings_of(service: str) -> Settings:
    """What the service's process would read from its environment."""
    return load(None, SERVICES[service]["environment"])


def test_file_follows_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests/data/compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(read(COMPOSE))


def test_schema_refuses_what_is_wrong() -> None:
    schema = json.loads((ROOT / "tests/data/compose-spec.json").read_text())
    wrong = read(COMPOSE)
    wrong["services"]["worker"]["comand"] = ["worker"]
    with pytest.raises(jsonschema.ValidationError, match="comand"):
        jsonschema.Draft7Validator(schema).validate(wrong)


def has_compose() -> bool:
    docker = shutil.which("docker")
    return (
        docker is not None
        and not subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    )


@pytest.mark.skipif(not has_compose(), reason="the docker client has no compose plugin here")
def test_compose_plugin_accepts_the_file() -> None:
    result = subprocess.run(
        ["docker", "compose", "-f", str(COMPOSE), "config", "--quiet"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("service", OURS)
def test_command_is_one_of_ours(service: str) -> None:
    name, *options = SERVICES[service]["command"]
    assert name in COMMANDS
    command = importlib.import_module(f"streams.commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    parser.parse_args(options)


@pytest.mark.parametrize("service", OURS)
def test_environment_is_what_the_settings_read(service: str) -> None:
    environment = SERVICES[service]["environment"]
    assert all(name.startswith("HEADRACE_") for name in environment)
    settings = settings_of(service)
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.redis.url.startswith("redis://valkey:6379/")
    for name in environment:
        with pytest.raises(SettingsError):
            load(None, {**environment, f"{name}X": "1"})


def test_processes_agree_on_everything_they_share() -> None:
    """Only the address that a process listens on may differ."""
    shared = [settings_of(service) for service in OURS]
    for name in ("kafka", "redis", "model", "events", "state"):
        assert len({repr(getattr(settings, name)) for settings in shared}) == 1, name


def test_processes_are_reached_from_other_containers() -> None:
    assert settings_of("worker").worker.host == "0.0.0.0"
    gateway = settings_of("gateway").gateway
    assert gateway.host == "0.0.0.0"
    assert all(HostNames(gateway).has(host) for host in ("gateway:8080", "localhost:8080", "127.0.0.1:8080"))


def test_gateway_ranks_with_what_workers_rank_with() -> None:
    assert settings_of("gateway").ranker.where == "here"
    theirs = {volume for volume in SERVICES["worker"]["volumes"] if not volume.startswith("examples:")}
    assert set(SERVICES["gateway"]["volumes"]) == theirs, "models, and a place for compiled code"


def test_gateway_without_keys_is_open_to_this_machine_alone() -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["gateway"]["ports"])


def test_workers_can_be_scaled() -> None:
    worker = SERVICES["worker"]
    assert "container_name" not in worker
    assert "ports" not in worker
    assert worker["deploy"]["replicas"] <= settings_of("worker").kafka.partitions


def test_processes_may_drain_before_they_are_killed() -> None:
    drain_s = settings_of("worker").worker.drain_deadline_s
    assert float(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > drain_s


def test_broker_is_the_one_of_the_local_stack() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_service_is_pinned_bounded_and_restarted(service: str) -> None:
    described = SERVICES[service]
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+[a-z-]*", described["image"])
    assert set(described["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert described["restart"] in {"unless-stopped", "on-failure"}
    assert ("healthcheck" in described) == (described["restart"] == "unless-stopped")


def test_named_volumes_are_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {volume for volume in used if not volume.startswith(".")} == set(read(COMPOSE)["volumes"])
    for path in used:
        assert not path.startswith(".") or (ROOT / path).exists(), path


def scraped() -> Iterator[tuple[str, int]]:
    for job in read(ROOT / "ops/prometheus.yml")["scrape_configs"]:
        assert job.get("metrics_path", "/metrics") == "/metrics"
        for found in job.get("dns_sd_configs", []):
            yield from ((name, found["port"]) for name in found["names"])
        for static in job.get("static_configs", []):
            for target in static["targets"]:
                host, port = target.split(":")
                yield host, int(port)


def test_prometheus_scrapes_the_ports_that_are_listened_on() -> None:
    assert dict(scraped()) == {
        "worker": settings_of("worker").worker.port,
        "gateway": settings_of("gateway").gateway.port,
    }


@pytest.mark.parametrize("service", ["worker", "gateway"])
def test_health_is_asked_where_it_is_answered(service: str) -> None:
    port = getattr(settings_of(service), service).port
    assert f"http://127.0.0.1:{port}/healthz" in SERVICES[service]["healthcheck"]["test"][-1]


def test_image_is_built_from_what_is_there_and_runs_as_a_user() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in lines:
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert any(Path(source).match(pattern) for pattern in allowed), (
                    f"{source} is in .dockerignore"
                )
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users
    assert users[-1] not in {"root", "0"}
    assert 'ENTRYPOINT ["headrace"]' in lines
