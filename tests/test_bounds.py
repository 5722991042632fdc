"""No test holds up the others for ever: what stands still fails with the stacks of all threads."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]

STANDS_STILL = """
import asyncio, threading

import pytest

async def test_that_awaits_for_ever():
    await asyncio.Event().wait()

def test_that_joins_for_ever():
    def waits_for_nothing():
        threading.Event().wait()
    thread = threading.Thread(target=waits_for_nothing, daemon=True)
    thread.start()
    thread.join()

@pytest.fixture
def ends_never():
    yield
    threading.Event().wait()

def test_that_fails_and_ends_never(ends_never):
    assert False, "as it should"

def test_that_is_well():
    pass
"""

LEAVES_A_THREAD = """
import threading

import tests.conftest

def test_that_leaves_a_thread():
    tests.conftest._EXIT_WITHIN_S = 1.0
    def left_behind():
        threading.Event().wait()
    threading.Thread(target=left_behind).start()
"""


def run(folder: Path, code: str, timeout_s: int) -> subprocess.CompletedProcess[str]:
    """These tests, under the settings and the conftest of this project."""
    file = folder / "test_of_its_own.py"
    file.write_text(code)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command += [
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(ROOT),
        "--timeout",
        str(timeout_s),
        str(file),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_what_stands_still_fails_and_the_rest_goes_on(tmp_path: Path) -> None:
    result = run(tmp_path, STANDS_STILL, 2)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "3 failed, 1 passed, 1 error" in result.stdout
    assert "FAILED" in result.stdout
    assert "ERROR" in result.stdout
    assert result.stdout.count("Timeout (>2.0s) from pytest-timeout") >= 3
    assert "in waits_for_nothing" in result.stdout + result.stderr


def test_a_process_ends_though_a_test_left_a_thread(tmp_path: Path) -> None:
    result = run(tmp_path, LEAVES_A_THREAD, 60)
    assert "1 passed" in result.stdout
    assert "in left_behind" in result.stderr
    assert result.returncode == 1


def test_each_test_has_a_bound() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert 0 < options["timeout"] <= 900
    assert options["timeout_method"] == "signal", "the other one ends the process, and all tests after it"


def test_no_test_closes_a_page_without_a_bound() -> None:
    tests = sorted((ROOT / "tests" / "browser").glob("test_*.py"))
    closing = [file.name for file in tests if ".close()" in file.read_text().replace("store.close()", "")]
    assert closing == [], "see `closed` of conftest.py"
    assert len(tests) > 5
