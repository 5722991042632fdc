"""A real Redis Cluster of Valkey servers on this machine: primaries alone, each with a part of the slots."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from redis import Redis

from streams.local.ports import LOOPBACK, free_ports
from streams.local.processes import ChildProcess
from streams.local.readiness import wait_until_ready
from streams.local.valkey import answers, server_command

SLOTS = 16_384


class ValkeyCluster:
    """Running servers; `start` makes them. `ports`: of the nodes, in the order of their slots."""

    def __init__(self, processes: list[ChildProcess], ports: list[int]) -> None:
        self.processes, self.ports = processes, ports
        self.url = f"redis://{LOOPBACK}:{ports[0]}/0"

    @classmethod
    def start(
        cls,
        folder: Path,
        nodes: int = 3,
        progress: Callable[[str], None] = lambda _: None,
        deadline_s: float = 30.0,
    ) -> ValkeyCluster:
        """Start the nodes, hand out the slots, and wait until all nodes agree; else `LocalStackError`."""
        progress(f"starting a cluster of {nodes} Valkey servers")
        ports = free_ports(2 * nodes)
        ports, buses = ports[:nodes], ports[nodes:]
        with ExitStack() as starting:
            processes = []
            for port, bus in zip(ports, buses, strict=True):
                home = folder / str(port)
                home.mkdir(parents=True, exist_ok=True)
                command = [
                    *server_command(home, port),
                    *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
                    *("--cluster-node-timeout", "5000"),
                ]
                processes.append(starting.enter_context(ChildProcess("Valkey", command, home / "valkey.log")))
            for process, port in zip(processes, ports, strict=True):
                wait_until_ready(process, partial(answers, port), deadline_s)
            _join(ports, buses)
            for process, port in zip(processes, ports, strict=True):
                wait_until_ready(process, partial(_agrees, port, nodes), deadline_s)
            starting.pop_all()
        return cls(processes, ports)

    def stop(self, deadline_s: float = 10.0) -> None:
        """End all nodes."""
        for process in self.processes:
            process.terminate(deadline_s)


def _join(ports: list[int], buses: list[int]) -> None:
    for n, port in enumerate(ports):
        first, last = SLOTS * n // len(ports), SLOTS * (n + 1) // len(ports) - 1
        _said(port, "CLUSTER", "ADDSLOTSRANGE", first, last)
        _said(port, "CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        if n:
            _said(port, "CLUSTER", "MEET", LOOPBACK, ports[0], buses[0])


def _agrees(port: int, nodes: int) -> bool:
    info = _said(port, "CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:%d\r" % nodes in info


def _said(port: int, *command: str | int) -> bytes:
    with Redis(LOOPBACK, port) as node:
        reply: bytes = node.execute_command(*command)
        return reply
