"""A function that numba loaded from its cache can still be built into one that is compiled later."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

INNER = """
import numpy as np
from model.compiled import compiled

@compiled
def double(x):
    return 2.0 * x
"""

CALLER = """
import numba
from inner import double
assert double(1.5) == 3.0
(library,) = [each.library for each in double.overloads.values()]
loaded = sum(double.stats.cache_hits.values())
held = library._shared_module is not None

@numba.njit
def outer(x):
    return double(x) + 1.0

assert outer(4.0) == 9.0 and outer(5.0) == 11.0
@numba.njit
def another(x):
    return double(x) - 1.0

assert another(4.0) == 7.0
print(loaded, held, library._shared_module is not None)
"""


def said(folder: Path, code: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": f"{folder}{os.pathsep}."},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return found.stdout.strip()


def test_a_loaded_function_is_built_into_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "inner.py").write_text(INNER)
    assert said(tmp_path, CALLER).startswith("0 ")  # compiled here
    assert said(tmp_path, CALLER) == "1 False True"  # loaded, packed, and unpacked for the caller
