"""How a worker process ends: drained, overdue, told twice, or because it can't go on; and what it answers
meanwhile.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from streams.worker.ending import DRAINED, FAILED, INTERRUPTED, OVERDUE, UNFIT

ROOT = Path(__file__).parents[3]
PROGRAM = """\
import asyncio, logging, sys, threading, time
from prometheus_client import CollectorRegistry
from model.errors import ProgressError
from streams.settings.processes import WorkerSettings
from streams.worker.ending import because_of, end
from streams.worker.health import Part, Readiness, listen
from streams.worker.pulse import Pulse
from streams.worker.serve import look_after

class Played:
    pulse, failure, app_crashed = Pulse(), None, False

    async def start(self):
        print("started", flush=True)
        {start}

    async def failed(self):
        {fail}
        await asyncio.sleep(3_600)

    async def stop(self):
        print("stopping", flush=True)
        {stop}

    def unwell(self):
        if self.failure is not None:
            return repr(self.failure)
        return "still" if self.pulse.still_s() > 0.5 else ""

    def readiness(self):
        return Readiness(True, {{}})

    def collect(self): ...
    def silent(self): ...

async def restless():  # as Faust's tasks, which begin anew whenever they are cancelled
    while True:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            asyncio.create_task(restless())

def die():
    raise OSError("no more")

logging.basicConfig(level=logging.INFO)
listener = listen(WorkerSettings(port=0))
print(listener.getsockname()[1], flush=True)
async def run():
    end(await look_after(Played(), listener, CollectorRegistry(), {deadline_s}))
asyncio.run(run())
"""


class Run:
    """A process with a played worker; `start`, `fail` and `stop` are lines of its methods."""

    def __init__(
        self, start: str = "pass", fail: str = "pass", stop: str = "pass", deadline_s: float = 1
    ) -> None:
        program = PROGRAM.format(start=start, fail=fail, stop=stop, deadline_s=deadline_s)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def until(self, path: str, status: int) -> str:
        end = time.monotonic() + 30
        while True:
            found, body = self.get(path)
            if found == status:
                return body
            assert time.monotonic() < end, (found, body)
            time.sleep(0.05)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def last_words(self) -> str:
        """Of the log, once the process has ended."""
        return self.process.communicate(timeout=60)[1].rstrip().splitlines()[-1]

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


HANGS = "await asyncio.sleep(120)"
BLOCKS = "time.sleep(120)"
NEVER_ENDS = "await asyncio.gather(*(restless() for _ in range(9)))"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drained_worker_ends_with_0(number: signal.Signals) -> None:
    with Run(stop="await asyncio.sleep(0.1)", deadline_s=60) as run:
        assert run.line() == "started\n"
        os.kill(run.process.pid, number)
        assert run.last_words().endswith("worker ends with exit status 0: drained")
        assert run.process.returncode == DRAINED


@pytest.mark.parametrize("stop", [HANGS, BLOCKS, NEVER_ENDS])
def test_an_overdue_worker_ends_all_the_same(stop: str) -> None:
    with Run(stop=stop) as run:
        assert run.line() == "started\n"
        os.kill(run.process.pid, signal.SIGTERM)
        assert "not drained within 1 s" in run.last_words()
        assert run.process.returncode == OVERDUE


def test_a_worker_that_is_stopped_while_it_starts_and_does_not_notice() -> None:
    with Run(start=BLOCKS) as run:
        assert run.line() == "started\n"
        os.kill(run.process.pid, signal.SIGTERM)
        assert "not drained within 1 s" in run.last_words()
        assert run.process.returncode == OVERDUE


def test_a_second_signal_ends_it_at_once() -> None:
    with Run(stop=HANGS, deadline_s=100) as run:
        assert run.line() == "started\n"
        os.kill(run.process.pid, signal.SIGTERM)
        assert run.line() == "stopping\n"
        os.kill(run.process.pid, signal.SIGTERM)
        assert run.process.wait(60) == INTERRUPTED


ENDINGS = {
    "failed": ({"fail": "return ValueError('of two\\nlines')"}, FAILED, "ValueError: of two lines"),
    "failed, for an operator": ({"fail": "return ProgressError('anew')"}, UNFIT, "ProgressError: anew"),
    "while it looks": ({"fail": "raise KeyError('x')"}, FAILED, "KeyError: 'x'"),
    "starting": ({"start": "raise OSError('no disk')"}, FAILED, "OSError: no disk"),
    "stopping": ({"fail": "return ValueError('one')", "stop": "raise OSError('two')"}, FAILED, "one"),
    "a thread": (
        {"start": "threading.Thread(target=die, name='it').start()"},
        FAILED,
        "it has ended",
    ),
    "an exit": ({"start": "asyncio.get_running_loop().call_soon(sys.exit, 0)"}, FAILED, "SystemExit: 0"),
}


@pytest.mark.parametrize(("lines", "status", "reason"), ENDINGS.values(), ids=ENDINGS)
def test_a_worker_that_cannot_go_on_ends_and_says_why(
    lines: dict[str, str], status: int, reason: str
) -> None:
    with Run(**lines) as run:  # type: ignore[arg-type]  # none of them is the deadline
        last = run.last_words()
        assert run.process.returncode == status
        assert f"worker ends with exit status {status}: " in last
        assert reason in last


@pytest.mark.parametrize("stop", [HANGS, BLOCKS, NEVER_ENDS])
def test_it_ends_whatever_its_tasks_do(stop: str) -> None:
    with Run(fail="return ValueError('no more')", stop=stop) as run:
        assert run.last_words().endswith("worker ends with exit status 1: ValueError: no more")
        assert run.process.returncode == FAILED


def test_a_failed_worker_is_unwell_at_once_and_until_its_end() -> None:
    with Run(fail="return ValueError('no more')", stop="sys.stdin.readline()", deadline_s=100) as run:
        assert "no more" in run.until("/healthz", 503)
        ready = json.loads(run.get("/readyz")[1])
        assert not ready["ready"]
        assert "no more" in ready["parts"]["process"]["trouble"]
        run.tell("go on")
        run.last_words()
        assert run.process.returncode == FAILED


def test_a_blocked_loop_is_unwell_and_not_ready_and_well_again() -> None:
    with Run(fail="sys.stdin.readline()") as run:
        assert "still" in run.until("/healthz", 503)
        assert "still" in run.until("/readyz", 503)
        assert run.get("/metrics")[0] == 200
        run.tell("go on")
        run.until("/healthz", 200)
        run.until("/readyz", 200)
