"""What goes back to the system is still there for whoever needs it again."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from streams.serving.memory import give_back_code, unchanged

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
COMPILER = "libllvmlite.so"

LARGE_ARRAYS = """
import sys
import numpy as np
from streams.serving.memory import return_large_arrays

def held_mib():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

if "return" in sys.argv:
    return_large_arrays()
np.ones(30 << 17)  # 30 MiB; the C library now keeps what is as large
before = held_mib()
columns = [np.ones(24 << 17), np.ones(24 << 17)]
last = np.ones(1 << 14)  # behind them, so that the heap does not shrink at its end
del columns
print(held_mib() - before)
"""


def held_kb(file: str) -> int:
    """How much of a file's unchanged parts this process holds, by /proc/self/smaps."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    parts = [part for part in unchanged(lines) if Path(part.file).name == file]
    begins = {f"{part.address:x}-{part.address + part.size:x}" for part in parts}
    held, inside = 0, False
    for line in lines:
        words = line.split()
        if not words[0].endswith(":"):
            inside = words[0].lstrip("0") in begins
        elif inside and words[0] == "Rss:":
            held += int(words[1])
    return held


def test_the_code_of_the_compiler_goes_back_and_compiles_again() -> None:
    assert numba.njit(lambda x: 2 * x + 1)(3) == 7
    before = held_kb(COMPILER)
    assert before > 1_000
    give_back_code()
    assert held_kb(COMPILER) < before / 10
    assert numba.njit(lambda x: 3 * x - 1)(3) == 8
    assert held_kb(COMPILER) > before / 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has another rule")
def test_large_arrays_go_back_when_they_are_freed() -> None:
    def kept(*arguments: str) -> float:
        command = [sys.executable, "-c", LARGE_ARRAYS, *arguments]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert kept("return") < 4.0
    assert kept() > 40.0


BATCHES = """
import resource
import sys
import numpy as np
from streams.serving.memory import return_large_arrays

if "return" in sys.argv:
    return_large_arrays()
np.ones(30 << 17)
for n in range(40):
    if n == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(1 << 16), np.ones(1 << 16), np.ones(1 << 17), np.ones(1 << 17)]
    del arrays
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has another rule")
def test_a_batch_finds_the_memory_of_the_one_before() -> None:
    command = [sys.executable, "-c", BATCHES, "return"]
    faults = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert float(faults) < 100  # pages of 4 KiB; the arrays have 768
