"""Looking at processes and ports from outside."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path


def runs(pid: int) -> bool:
    """Whether the process exists and is not a zombie (ended, and not yet asked for by its parent)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def listens(address: str) -> bool:
    """Whether something accepts connections on "HOST:PORT" (also as part of a URL)."""
    host, port = address.removeprefix("redis://").removesuffix("/0").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def eventually(condition: Callable[[], bool], deadline_s: float = 60.0) -> bool:
    """Whether the condition comes to hold within the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
