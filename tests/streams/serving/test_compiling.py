"""The first start on a machine: a child process compiles, and whoever starts loads."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from numba.core import config as numba_config

from streams.serving.compiling import LOCK, CompilingChild, cache_folder
from streams.settings.tree import Settings

START = """
import gc, logging, sys
from numba.core.dispatcher import Dispatcher
from streams.serving.compiling import load_compiled
from streams.settings.tree import Settings
logging.basicConfig(level=logging.INFO, format="%(message)s")
load_compiled(Settings(), on_request=True)
kernels = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
for what in ("cache_hits", "cache_misses"):
    print(sum(sum(getattr(each.stats, what).values()) for each in kernels))
"""
PARENT = """
from streams.serving.compiling import CompilingChild
from streams.settings.tree import Settings
CompilingChild(Settings())(lambda: None)
"""

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("has it", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with nothing in it, for this process and its children."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(numba_config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def starting(script: str, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
    )  # fmt: skip


def seen(look: Callable[[], list[psutil.Process]]) -> psutil.Process:
    """The child that compiles, once it is there."""
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        for each in look():
            try:
                if "streams.serving.compiling_child" in each.cmdline():
                    return each
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.02)
    raise AssertionError("no child compiles")


@pytest.fixture
def first_cache(tmp_path: Path) -> Path:
    """An empty cache: that of a whole run of `scripts/test`, whose other tests load what is compiled here."""
    of_the_run = Path(os.environ.get("NUMBA_CACHE_DIR", tmp_path))
    return tmp_path if any(of_the_run.rglob("*.nbi")) else of_the_run


@pytest.mark.first
def test_of_two_that_start_at_once_one_has_all_compiled_and_both_load(first_cache: Path) -> None:
    both = [starting(START, first_cache) for _ in range(2)]
    said = [each.communicate(timeout=900) for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    for out, _ in said:
        hits, misses = map(int, out.split())
        assert hits > 40, said  # as many as are called by name: what they call lies in their own code
        assert not misses, said
    logs = [log for _, log in said]
    assert sorted("a child process compiles it" in log for log in logs) == [False, True], logs
    assert sum("compiled in" in log for log in logs) == 1, logs
    assert sum("another process compiles" in log for log in logs) == 1, logs


def test_a_child_that_is_killed_is_no_trouble(empty: Path, caplog: pytest.LogCaptureFixture) -> None:
    child, found = CompilingChild(Settings()), list[object]()
    asking = threading.Thread(target=lambda: found.append(child(lambda: "looked")))
    asking.start()
    seen(psutil.Process().children).kill()
    asking.join(60)
    assert found == ["looked"]
    (warning,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert "was killed by signal 9" in warning
    assert child(lambda: "looked") is None  # not asked again: this process compiles the rest


def test_a_child_that_fails_says_why(
    empty: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty / "streams").mkdir()
    (empty / "streams/__init__.py").write_text("raise RuntimeError('half installed')")
    monkeypatch.syspath_prepend(str(empty))
    assert CompilingChild(Settings())(lambda: "looked") == "looked"
    assert "failed (RuntimeError: half installed)" in caplog.text


def test_one_that_takes_too_long_is_killed(empty: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = psutil.Process().children()
    assert CompilingChild(Settings(), within_s=0.3)(lambda: "looked") == "looked"
    assert "was not done, and was killed after" in caplog.text
    assert psutil.Process().children() == before


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """Also where the parent is killed, which can't tell anybody."""
    with starting(PARENT, tmp_path) as parent:
        try:
            child = seen(psutil.Process(parent.pid).children)
        finally:
            parent.send_signal(signal.SIGKILL)
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()


def test_whoever_waits_in_vain_compiles(empty: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(cache_folder() / LOCK)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "has it\n"
        looks = iter([None])
        assert CompilingChild(Settings(), within_s=0.5)(lambda: next(looks)) is None
        holder.stdin.close()
    assert "another process still compiles" in caplog.text
    assert "child" not in caplog.text


def test_a_cache_that_can_not_be_written_has_no_child(empty: Path, caplog: pytest.LogCaptureFixture) -> None:
    (cache_folder() / LOCK).mkdir()  # no lock can be opened, not even by root
    caplog.set_level(logging.INFO)
    assert CompilingChild(Settings())(lambda: "looked") is None
    assert "this process compiles" in caplog.text
