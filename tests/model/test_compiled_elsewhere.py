"""Another process may compile what the cache lacks: this one looks again before it compiles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KERNEL = """
    from model.compiled import compiled

    @compiled
    def inner(x):
        return x + 1

    @compiled
    def outer(x):
        return inner(x) * 2
"""
SCRIPT = """
import subprocess, sys
from model.compiled_elsewhere import compiled_elsewhere
import kernels

asked = []

def elsewhere(look):
    asked.append(look())
    if sys.argv[1] == "other":
        subprocess.run([sys.executable, "-c", "import kernels; kernels.outer(3)"], check=True)
    return look()

with compiled_elsewhere(elsewhere):
    assert kernels.outer(3) == 8
kernels.outer(1.5)  # of another type: nobody is asked outside of the block
both = kernels.outer.stats, kernels.inner.stats
found, missed = (
    sum(sum(getattr(each, what).values()) for each in both) for what in ("cache_hits", "cache_misses")
)
print(len(asked), set(asked), found, missed)
"""


def asked(folder: Path, who: str) -> str:
    (folder / "kernels.py").write_text("\n".join(line[4:] for line in KERNEL.splitlines()))
    environ = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}.", "NUMBA_CACHE_DIR": str(folder / "cache")}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, who],
        env=environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_code_that_another_process_makes_is_loaded(tmp_path: Path) -> None:
    """Both functions' code for the first type is compiled there, and here that for the second type alone."""
    assert asked(tmp_path, "other") == "1 {None} 1 2"


def test_what_nobody_makes_is_compiled_here(tmp_path: Path) -> None:
    assert asked(tmp_path, "nobody") == "2 {None} 0 4"
    assert asked(tmp_path, "nobody").split()[:1] == ["0"]  # all is in the cache
