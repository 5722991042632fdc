"""A training in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from model.errors import ModelError
from streams.offline.renewal import child
from streams.offline.renewal.child import run_child
from streams.offline.renewal.renewal_state import only_one

STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()  # a pipe: the test waits at its other end
time.sleep(600)
"""


async def test_it_says_whether_the_command_ended_well(tmp_path: Path) -> None:
    with only_one(tmp_path) as lock:
        for status in (0, 2):
            command = [sys.executable, "-c", f"raise SystemExit({status})"]
            assert await run_child(command, asyncio.Event(), lock) is (status == 0)


async def test_it_is_ended_when_it_is_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one that does not listen; and until then it keeps the lock."""
    monkeypatch.setattr(child, "GRACE_S", 0.1)
    stopped, started = asyncio.Event(), tmp_path / "started"
    os.mkfifo(started)
    with only_one(tmp_path) as lock:
        running = asyncio.create_task(
            run_child([sys.executable, "-c", STUBBORN, str(started)], stopped, lock)
        )
        await asyncio.to_thread(started.read_bytes)
    with pytest.raises(ModelError, match="another process renews"), only_one(tmp_path):
        pass
    stopped.set()
    assert await running is False
    with only_one(tmp_path):
        pass
