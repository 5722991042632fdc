"""How a worker process ends: drained, overdue, told twice, or because it can't go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.worker.serve import INTERRUPTED, OVERDUE

ROOT = Path(__file__).parents[3]
PROGRAM = """\
import asyncio, sys
from streams.worker.serve import _run

class Played:
    async def start(self):
        print("started", flush=True)

    async def failed(self):
        await asyncio.sleep({failing_s})
        return ValueError("can't go on")

    async def stop(self):
        print("stopping", flush=True)
        await asyncio.sleep({stopping_s})

sys.exit(asyncio.run(_run(Played(), 0.5)))
"""


def run(
    *signals: signal.Signals, failing_s: float = 60, stopping_s: float = 0
) -> subprocess.CompletedProcess[str]:
    """A process with a played worker; each signal is sent after another line came."""
    program = PROGRAM.format(failing_s=failing_s, stopping_s=stopping_s)
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        for number in signals:
            assert process.stdout.readline()
            os.kill(process.pid, number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drained_worker_ends_with_0(number: signal.Signals) -> None:
    assert run(number, stopping_s=0.1).returncode == 0


def test_an_overdue_worker_does_not() -> None:
    started = time.monotonic()
    done = run(signal.SIGTERM, stopping_s=120)
    assert done.returncode == OVERDUE
    assert "not drained within 0.5 s" in done.stderr
    assert time.monotonic() - started < 60


def test_a_second_signal_ends_it_at_once() -> None:
    assert run(signal.SIGTERM, signal.SIGTERM, stopping_s=120).returncode == INTERRUPTED


def test_a_worker_that_cannot_go_on_says_why() -> None:
    done = run(failing_s=0)
    assert done.returncode == 1
    assert "can't go on" in done.stderr
