"""How many threads linear algebra has in a real process of a command, whatever the environment says."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from streams.commands import main as cli

PROBE = """
import contextlib, ctypes, json, sys, types
from streams.commands import main as cli

def run(args):
    import numpy as np
    np.ones((600, 600)) @ np.ones((600, 600))
    paths = {line.split()[-1] for line in open("/proc/self/maps") if "openblas" in line}
    counts = []
    for path in paths:
        library = ctypes.CDLL(path)
        for prefix in ("scipy_openblas", "openblas"):
            for suffix in ("64_", ""):
                with contextlib.suppress(AttributeError):
                    counts.append(getattr(library, f"{prefix}_get_num_threads{suffix}")())
    import os
    print(json.dumps([counts, os.environ.get("OMP_NUM_THREADS"), len(os.listdir("/proc/self/task"))]))
    return 0

assert "numpy" not in sys.modules, "it is loaded before anything can be said"
name = sys.argv[1]
module = types.ModuleType(f"streams.commands.{name}", "Tries it.")
module.add_arguments, module.run = lambda parser: None, run
sys.modules[module.__name__] = module
sys.exit(cli.main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", ["worker", "gateway", "replay", "bench"])
def test_a_command_computes_in_one_thread_and_training_may_use_more(name: str) -> None:
    told = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    out = subprocess.run(
        [sys.executable, "-c", PROBE, name],
        env=told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert out.returncode == 0, out.stderr
    counts, of_torch, threads = json.loads(out.stdout)
    assert counts, "numpy's wheel holds OpenBLAS"
    assert set(counts) == {1}
    assert threads == 1
    assert of_torch == ("2" if name in cli.TRAIN else "1")


def test_every_command_that_may_train_is_one() -> None:
    assert set(cli.COMMANDS) >= cli.TRAIN
