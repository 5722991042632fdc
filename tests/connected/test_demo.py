"""The demo as a newcomer runs it, but on a small slice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from streams.local.ports import free_ports
from tests.streams.local.running import listens, runs

pytestmark = pytest.mark.connected

ROOT = Path(__file__).parents[2]
WITHOUT_ENCODER = {"HEADRACE_MODEL__MAKE_ENCODER": "false"}
"""To make it takes seconds of CPU; `test_first_start.py` has one made."""
SLICE = ("--limit", "1500", "--epochs", "1", "--rate", "40")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test trains and the second finds the model."""
    return tmp_path_factory.mktemp("demo")


@contextmanager
def command(*arguments: str, output: Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """`headrace ARGUMENTS` with its own settings; ended when the block ends."""
    environ |= {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    environ |= {"PYTHONPATH": str(ROOT), "HEADRACE_GATEWAY__PORT": str(free_ports(1)[0])}
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-m", "streams.commands", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=output.parent,
            env=environ,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()  # its children go with it


def wait_for(
    process: subprocess.Popen[bytes], output: Path, condition: Callable[[str], bool], within_s: float = 300
) -> str:
    """The output, once it is as wanted."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        text = output.read_text()
        if condition(text):
            return text
        assert process.poll() is None, text
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s:g} s:\n{output.read_text()}")


def offspring(process: subprocess.Popen[bytes]) -> tuple[dict[int, str], list[str]]:
    """Command lines of all processes under it by pid, and the addresses on which they listen."""
    family = psutil.Process(process.pid).children(recursive=True)
    addresses = [
        f"127.0.0.1:{connection.laddr.port}"
        for child in family
        for connection in child.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    return {child.pid: " ".join(child.cmdline()) for child in family}, addresses


def assert_gone(family: dict[int, str], addresses: list[str]) -> None:
    assert {pid: line for pid, line in family.items() if runs(pid)} == {}
    assert [address for address in addresses if listens(address)] == []


def test_plays_for_some_seconds_and_leaves_nothing_behind(folder: Path) -> None:
    output = folder / "first.txt"
    arguments = ("demo", *SLICE, "--seconds", "6", "--folder", str(folder))
    with command(*arguments, output=output) as process:
        wait_for(process, output, lambda text: "live after" in text)
        family, addresses = offspring(process)
        assert len(family) >= 4, family
        assert len(addresses) >= 4, addresses
        process.wait(120)
    text = output.read_text()
    assert process.returncode == 0, text
    assert "0 dead letters, 0 errors" in text
    assert "HR@10 of served feeds, arm model" in text
    assert "experiment ranking: " in text
    assert "nan" not in text
    assert "problem" not in text
    assert_gone(family, addresses)


def test_a_worker_that_dies_ends_the_demo_with_its_log(folder: Path) -> None:
    output = folder / "second.txt"
    arguments = ("demo", *SLICE, "--folder", str(folder))
    with command(*arguments, output=output) as process:
        text = wait_for(process, output, lambda text: "live after" in text)
        assert "training" not in text  # the first run's model serves again
        text = wait_for(process, output, lambda text: "look at it: " in text)
        asked = re.search(r"look at it: HEADRACE_REDIS__URL=(\S+) headrace (experiments show ranking)", text)
        assert asked is not None
        shown = subprocess.run(
            [sys.executable, "-m", "streams.commands", *asked[2].split()],
            cwd=ROOT,
            env={**os.environ, "HEADRACE_REDIS__URL": asked[1]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "ranking: running" in shown.stdout
        assert "missing are" in shown.stdout
        family, addresses = offspring(process)
        (worker,) = [pid for pid, line in family.items() if line.endswith("streams.commands worker")]
        os.kill(worker, signal.SIGKILL)
        process.wait(120)
    assert process.returncode == 1, output.read_text()
    assert f"worker (process {worker}) was killed by signal 9 (SIGKILL)" in output.read_text()
    assert_gone(family, addresses)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_serves_until_it_is_asked_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "up.txt"
    with command("up", output=output, **WITHOUT_ENCODER) as process:
        wait_for(process, output, lambda text: "running until Ctrl-C" in text)
        family, addresses = offspring(process)
        process.send_signal(number)
        process.wait(120)
    assert process.returncode == 0, output.read_text()
    assert_gone(family, addresses)


@pytest.mark.parametrize("kept", [True, False])
def test_up_says_who_died_how_and_where_its_log_is(tmp_path: Path, kept: bool) -> None:
    output = tmp_path / "up.txt"
    folder = ("--folder", str(tmp_path / "kept")) if kept else ()
    name = "worker" if kept else "gateway"
    with command("up", *folder, output=output, TMPDIR=str(tmp_path), **WITHOUT_ENCODER) as process:
        wait_for(process, output, lambda text: "running until Ctrl-C" in text)
        family, addresses = offspring(process)
        (victim,) = [pid for pid, line in family.items() if line.endswith(f"streams.commands {name}")]
        os.kill(victim, signal.SIGKILL)
        process.wait(120)
    assert process.returncode == 1
    text = output.read_text()
    assert f"{name} (process {victim}) was killed by signal 9 (SIGKILL)" in text
    log = re.search(r"its log is (\S+),", text)
    assert log is not None
    assert Path(log[1]).is_file()
    assert_gone(family, addresses)
