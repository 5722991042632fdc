"""What is made once in a run, by several processes that need it at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_once import SHARED, made_once

ROOT = Path(__file__).parents[1]
NEEDS_IT = """
import os, time
from pathlib import Path
from tests.made_once import made_once

def make(folder):
    (folder / "half").touch()
    time.sleep(0.2)
    with open("makers", "a") as file:
        file.write(f"{os.getpid()}\\n")
    (folder / "other half").touch()

assert len(list(made_once("thing", make).iterdir())) == 2
"""


def test_it_is_made_by_one_process_and_whole_for_all(tmp_path: Path) -> None:
    environ = {**os.environ, SHARED: str(tmp_path), "PYTHONPATH": str(ROOT)}
    needing = [
        subprocess.Popen([sys.executable, "-c", NEEDS_IT], cwd=tmp_path, env=environ) for _ in range(4)
    ]
    assert [each.wait(120) for each in needing] == [0] * 4
    assert len((tmp_path / "makers").read_text().split()) == 1


def test_what_failed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED, str(tmp_path))

    def fail(folder: Path) -> None:
        (folder / "rest of a failure").touch()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        made_once("thing", fail)
    made = made_once("thing", lambda folder: (folder / "file").touch())
    assert [path.name for path in made.iterdir()] == ["file"]
    assert made_once("thing", fail) == made
