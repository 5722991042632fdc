"""Workers, rankers and the gateway as child processes, for as long as a `with` block lasts."""

from __future__ import annotations

import contextlib
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from model.errors import LocalStackError
from streams.local.environment import environment
from streams.local.ports import LOOPBACK, free_ports
from streams.local.processes import ChildProcess
from streams.local.readiness import wait_until_ready
from streams.settings.tree import Settings


class Services:
    """`workers` workers and one gateway under `settings`; Kafka and Redis must run already. `rankers`: so
    many processes rank what the gateway is asked; with 0, `ranker.where` says who does.

    The gateway has the settings' port, the others have free ones. Their logs are in `logs`. Inside the
    block, `gateway_url`, `worker_urls` and `ranker_urls` are their addresses.
    """

    def __init__(
        self,
        settings: Settings,
        logs: Path,
        workers: int = 1,
        progress: Callable[[str], None] = lambda _: None,
        deadline_s: float = 120.0,
        rankers: int = 0,
    ) -> None:
        self._logs, self._progress, self._deadline_s = logs, progress, deadline_s
        ports = free_ports(workers + rankers)
        self._worker_ports, self._ranker_ports = ports[:workers], ports[workers:]
        self.ranker_urls = [f"http://{LOOPBACK}:{port}" for port in self._ranker_ports]
        self.settings = _ranked_by(self.ranker_urls, settings)
        self.gateway_url = f"http://{settings.gateway.host}:{settings.gateway.port}"
        self.worker_urls = [f"http://{LOOPBACK}:{port}" for port in self._worker_ports]
        self.workers: list[ChildProcess] = []
        self.rankers: list[ChildProcess] = []
        self.gateway: ChildProcess | None = None
        self._running = contextlib.ExitStack()

    @property
    def processes(self) -> list[ChildProcess]:
        """Every child that should be running."""
        return [*self.workers, *self.rankers, *([self.gateway] if self.gateway is not None else [])]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            self._progress("starting the gateway and " + _count(len(self._worker_ports), "worker"))
            # Start all of them first, then wait: they start side by side.
            for number, port in enumerate(self._worker_ports, start=1):
                worker = msgspec.structs.replace(self.settings.worker, host=LOOPBACK, port=port)
                settings = msgspec.structs.replace(self.settings, worker=worker)
                name = "worker" if len(self._worker_ports) == 1 else f"worker {number}"
                self.workers.append(starting.enter_context(self._start(name, "worker", settings)))
            for number, port in enumerate(self._ranker_ports, start=1):
                ranker = msgspec.structs.replace(self.settings.ranker, host=LOOPBACK, port=port)
                settings = msgspec.structs.replace(self.settings, ranker=ranker)
                name = f"ranker {number}"
                self.rankers.append(starting.enter_context(self._start(name, "ranker", settings)))
            self.gateway = starting.enter_context(self._start("gateway", "gateway", self.settings))
            urls = [*self.worker_urls, *self.ranker_urls, self.gateway_url]
            for child, url in zip(self.processes, urls, strict=True):
                wait_until_ready(child, partial(is_ready, url), self._deadline_s, partial(is_alive, url))
            self._running = starting.pop_all()
        return self

    def _start(self, name: str, command: str, settings: Settings) -> ChildProcess:
        return ChildProcess(
            name,
            [sys.executable, "-m", "streams.commands", command],
            self._logs / f"{name.replace(' ', '-')}.log",
            environment(settings),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()


def check_running(processes: Sequence[ChildProcess]) -> None:
    """Raise `LocalStackError` if a process has ended; the error names it, how it ended, and its log."""
    for child in processes:
        if child.returncode is not None:
            raise LocalStackError(child.how_it_ended)


def is_ready(url: str, timeout_s: float = 2.0) -> bool:
    """Whether the process at `url` says that it can do its work."""
    return _says_yes(f"{url}/readyz", timeout_s)


def is_alive(url: str, timeout_s: float = 10.0) -> bool:
    """Whether the process at `url` answers, be it ready or not."""
    return _says_yes(f"{url}/healthz", timeout_s)


def _says_yes(address: str, timeout_s: float) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=timeout_s) as answer:  # noqa: S310  # our own http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _ranked_by(urls: Sequence[str], settings: Settings) -> Settings:
    """The settings of a gateway that hands on to the rankers at these addresses, if there are any."""
    if not urls:
        return settings
    ranker = msgspec.structs.replace(settings.ranker, where="elsewhere", addresses=tuple(urls))
    return msgspec.structs.replace(settings, ranker=ranker)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
