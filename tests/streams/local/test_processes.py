"""Children end when they are told to, with all that they started, and when their parent dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from streams.local.processes import ChildProcess
from tests.streams.local.running import eventually, runs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

REPOSITORY = Path(__file__).parents[3]


def pids_in(log: Path, count: int) -> list[int]:
    """The numbers that a child has printed, once there are `count` of them."""
    assert eventually(lambda: log.exists() and len(log.read_text().split()) == count)
    return [int(word) for word in log.read_text().split()]


def test_terminate_ends_the_child_and_its_children(tmp_path: Path) -> None:
    log = tmp_path / "tree.log"
    child = ChildProcess("tree", ["sh", "-c", "sleep 60 & echo $!; echo $$; wait"], log)
    pids = pids_in(log, 2)
    assert all(runs(pid) for pid in pids)
    assert pids[1] == child.pid
    child.terminate(deadline_s=10)
    assert child.returncode == -signal.SIGTERM
    assert eventually(lambda: not any(runs(pid) for pid in pids))


def test_a_child_that_ignores_sigterm_is_killed_after_the_deadline(tmp_path: Path) -> None:
    log = tmp_path / "deaf.log"
    child = ChildProcess("deaf", ["sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; wait"], log)
    (grandchild,) = pids_in(log, 1)
    child.terminate(deadline_s=0.2)
    assert child.returncode == -signal.SIGKILL
    assert eventually(lambda: not runs(grandchild))


def test_terminate_twice_and_after_the_end_does_no_harm(tmp_path: Path) -> None:
    child = ChildProcess("short", ["sh", "-c", "exit 3"], tmp_path / "short.log")
    assert child.wait(60)
    child.terminate()
    child.terminate()
    assert child.returncode == 3


def test_leaving_the_block_by_an_error_ends_the_child(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="boom"),
        ChildProcess("sleeper", ["sleep", "60"], tmp_path / "sleeper.log") as child,
    ):
        raise RuntimeError("boom")
    assert child.returncode == -signal.SIGTERM


def test_a_killed_parent_leaves_no_child(tmp_path: Path) -> None:
    code = (
        "import pathlib, time; from streams.local.processes import ChildProcess\n"
        f"child = ChildProcess('orphan', ['sleep', '60'], pathlib.Path({str(tmp_path / 'orphan.log')!r}))\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as parent:
        try:
            assert parent.stdout is not None
            orphan = int(parent.stdout.readline())
            assert eventually(lambda: Path(f"/proc/{orphan}/comm").read_text() == "sleep\n")
        finally:
            parent.kill()
    assert eventually(lambda: not runs(orphan))


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """Linux sends the death signal at the end of the *thread* that started the child."""
    children: list[ChildProcess] = []
    start = threading.Thread(
        target=lambda: children.append(ChildProcess("sleeper", ["sleep", "60"], tmp_path / "sleeper.log"))
    )
    start.start()
    start.join()
    with children[0] as child:
        assert eventually(lambda: Path(f"/proc/{child.pid}/comm").read_text() == "sleep\n")
        assert not child.wait(0.5)


def test_ctrl_c_in_the_terminal_does_not_reach_the_child(tmp_path: Path) -> None:
    with ChildProcess("sleeper", ["sleep", "60"], tmp_path / "sleeper.log") as child:
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()


def test_the_tail_is_the_end_of_both_streams(tmp_path: Path) -> None:
    child = ChildProcess(
        "talker", ["sh", "-c", "seq 50000; echo bad news >&2; exit 1"], tmp_path / "talker.log"
    )
    assert child.wait(60)
    assert child.tail(lines=3) == "49999\n50000\nbad news"


def test_a_command_that_is_not_there_ends_at_once_and_says_so(tmp_path: Path) -> None:
    child = ChildProcess("nothing", ["no-such-command-here"], tmp_path / "nothing.log")
    assert child.wait(60)
    assert child.returncode != 0
    assert "No such file" in child.tail()


def test_how_it_ended_is_said_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "short.log"
    child = ChildProcess("short", ["sh", "-c", "echo why; exit 3"], log)
    assert child.wait(60)
    assert child.how_it_ended == (
        f"short (process {child.pid}) ended with exit code 3; its log is {log}, which ends:\nwhy"
    )
    killed = ChildProcess("killed", ["sh", "-c", "kill -9 $$"], log)
    assert killed.wait(60)
    assert "was killed by signal 9 (SIGKILL)" in killed.how_it_ended
