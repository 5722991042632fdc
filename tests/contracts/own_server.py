"""A server of a test's own: `tests/conftest.py` has the fixture."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from model.errors import StoreUnavailableError
from streams.local.ports import LOOPBACK, free_ports
from streams.local.processes import ChildProcess
from streams.local.valkey import server_command
from streams.stores.base import Store
from tests.freezing import freeze, thaw


class Server:
    """A Valkey on a port of its own that can be frozen, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (self.port,) = free_ports(1)
        self._process: ChildProcess | None = None

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self, *options: str) -> None:
        command = server_command(self._folder, self.port, keep=True)
        command += ["--appendfsync", "always", *options]
        self._process = ChildProcess("Valkey", command, self._folder / "valkey.log")

    def freeze(self) -> None:
        assert self._process is not None
        freeze(self._process.pid)

    def thaw(self) -> None:
        assert self._process is not None
        thaw(self._process.pid)

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.terminate()
            self._process = None

    async def until_it_answers(self, store: Store) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                await store.active_model()
                return
            except StoreUnavailableError:
                assert time.monotonic() < deadline, "the server did not come up within 30 s"
                await asyncio.sleep(0.02)
