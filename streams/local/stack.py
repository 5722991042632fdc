"""Kafka and Valkey together, for as long as a `with` block lasts."""

from __future__ import annotations

import contextlib
import fcntl
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from model.errors import LocalStackError
from streams.local.kafka import KafkaServer
from streams.local.processes import ChildProcess
from streams.local.valkey import ValkeyServer
from streams.settings.tree import Settings


class LocalStack:
    """Both servers on free ports; inside the block, `settings` are the given ones with the servers'
    addresses.

    `folder` keeps the data from one run to the next; without it, nothing stays afterwards. With a folder, or
    with `durable`, the store keeps its data on disk while it runs, as a store in production should. If
    `kafka_bootstrap` or `redis_url` names a server, the stack uses that server, and neither starts nor stops
    it. `processes`: the servers that the stack started. Their logs go to `logs`, else they lie among the
    data.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        folder: Path | None = None,
        kafka_bootstrap: str = "",
        redis_url: str = "",
        progress: Callable[[str], None] = lambda _: None,
        logs: Path | None = None,
        durable: bool = False,
    ) -> None:
        self._logs, self._durable = logs, durable or folder is not None
        self.settings = settings or Settings()
        self._folder = folder
        self._kafka_bootstrap = kafka_bootstrap
        self._redis_url = redis_url
        self._progress = progress
        self.processes: list[ChildProcess] = []
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            if self._folder is None:
                folder = Path(starting.enter_context(_temporary_folder()))
            else:
                folder = self._folder
                starting.enter_context(_sole_use(folder))
            # Valkey first: it starts at once, and Kafka's start is the longest wait anyway.
            url = self._redis_url
            if not url:
                valkey = ValkeyServer.start(
                    folder / "valkey", self._durable, self._progress, log=self._log("valkey.log")
                )
                starting.callback(valkey.stop)
                self.processes.append(valkey.process)
                url = valkey.url
            bootstrap = self._kafka_bootstrap
            if not bootstrap:
                kafka = KafkaServer.start(
                    folder / "kafka", progress=self._progress, log=self._log("kafka.log")
                )
                starting.callback(kafka.stop)
                self.processes.append(kafka.process)
                bootstrap = kafka.bootstrap
            self.settings = msgspec.structs.replace(
                self.settings,
                kafka=msgspec.structs.replace(self.settings.kafka, bootstrap=bootstrap),
                redis=msgspec.structs.replace(self.settings.redis, url=url),
            )
            self._running = starting.pop_all()
        return self

    def _log(self, name: str) -> Path | None:
        return self._logs / name if self._logs is not None else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()


@contextlib.contextmanager
def _sole_use(folder: Path) -> Iterator[None]:
    """Hold the folder: two Valkeys that append to the same file would spoil it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalStackError(
                f"another local stack runs on {folder}; stop it, or use another folder"
            ) from None
        yield


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="headrace-", ignore_cleanup_errors=True)
