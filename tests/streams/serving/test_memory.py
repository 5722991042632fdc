"""What goes back to the system is still there for whoever needs it again."""

from __future__ import annotations

import sys
from pathlib import Path

import numba
import pytest

from streams.serving.memory import COMPILER, code_of, give_back_code

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def held_kb(file: str) -> int:
    """How much of a file's code this process holds, by /proc/self/smaps."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    begins = {f"{part.address:x}-{part.address + part.size:x}" for part in code_of(file, lines)}
    held, inside = 0, False
    for line in lines:
        words = line.split()
        if not words[0].endswith(":"):
            inside = words[0] in begins
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
