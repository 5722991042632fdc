"""Code in numba's cache counts as long as nothing changed that it was made of, in whatever file."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from export.forward import machine, row_intrinsics
from model.compiled_sources import stamp_of

KERNELS = """
    from model.compiled import compiled, compiled_side_by_side, compiled_with
    from near import twice
    from sizes import OFFSET
    from writing import from_llvm

    @compiled
    def outer(x):
        return later(x) + from_llvm(x)

    @compiled_side_by_side
    def beside(x):
        return later(x) + from_llvm(x)

    @compiled_with()
    def later(x):
        return twice(x) + OFFSET
"""
NEAR = """
    from model.compiled import compiled
    from far import factor

    @compiled
    def twice(x):
        return x * factor(x)
"""
FAR = """
    from model.compiled import compiled

    @compiled
    def factor(x):
        return 2
"""
WRITING = """
    from numba.extending import intrinsic
    from llvmlite import ir

    class Code:
        def constant(self):
            return 1000

    @intrinsic
    def from_llvm(typing, x):
        def code(context, builder, signature, arguments):
            return ir.Constant(arguments[0].type, Code().constant())
        return x(x), code
"""
FIELDS = """
    from typing import NamedTuple

    class Inner(NamedTuple):
        first: float
        second: float

    class Outer(NamedTuple):
        inner: Inner
"""
READING = """
    from fields import Inner, Outer
    from model.compiled import compiled

    @compiled
    def first_of(outer: "Outer"):
        return outer.inner.first
"""
ASK_FOR_FIRST = """
    from fields import Inner, Outer
    from reading import first_of

    print(int(first_of(Outer(Inner(first=1.0, second=2.0)))), sum(first_of.stats.cache_hits.values()))
"""
ASK = """
    from kernels import beside, outer

    assert beside(7) == outer(7)
    assert (found := sum(beside.stats.cache_hits.values())) == sum(outer.stats.cache_hits.values())
    print(outer(7), found)
"""


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))


def asked(folder: Path, script: str = ASK) -> tuple[int, int]:
    """What the kernel says in a new process, and whether its code was found in the cache."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}:{Path.cwd()}",
        "NUMBA_CACHE_DIR": str(folder / "cache"),
    }
    made = subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(script)],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    said, found = map(int, made.stdout.split())
    return said, found


def test_code_counts_until_something_changes_that_it_was_made_of(tmp_path: Path) -> None:
    """A callee two files away, a constant, and what writes LLVM's code; but not what it does not read."""
    write(tmp_path, kernels=KERNELS, near=NEAR, far=FAR, writing=WRITING)
    write(tmp_path, sizes="OFFSET = 100", other="ONE = 1")
    assert asked(tmp_path) == (7 * 2 + 1100, 0)
    write(tmp_path, other="ONE = 2")
    assert asked(tmp_path) == (7 * 2 + 1100, 1)
    write(tmp_path, far=FAR.replace("return 2", "return 3"))
    assert asked(tmp_path) == (7 * 3 + 1100, 0)
    write(tmp_path, writing=WRITING.replace("return 1000", "return 2000"))
    assert asked(tmp_path) == (7 * 3 + 2100, 0)
    write(tmp_path, sizes="OFFSET = 200")
    assert asked(tmp_path) == (7 * 3 + 2200, 0)
    assert asked(tmp_path) == (7 * 3 + 2200, 1)


def test_a_field_is_read_where_it_is_now(tmp_path: Path) -> None:
    """Its place is compiled in, and the class may be of another file, or held by one that is named."""
    write(tmp_path, fields=FIELDS, reading=READING)
    assert asked(tmp_path, ASK_FOR_FIRST) == (1, 0)
    assert asked(tmp_path, ASK_FOR_FIRST) == (1, 1)
    swapped = FIELDS.replace("first", "other").replace("second", "first").replace("other", "second")
    write(tmp_path, fields=swapped)
    assert asked(tmp_path, ASK_FOR_FIRST) == (1, 0)


def test_a_class_that_is_gone_from_the_sources_is_gone_from_the_cache(tmp_path: Path) -> None:
    write(tmp_path, fields=FIELDS, reading=READING)
    assert asked(tmp_path, ASK_FOR_FIRST) == (1, 0)
    renamed = {name: text.replace("Inner", "Within") for name, text in [("f", FIELDS), ("r", READING)]}
    write(tmp_path, fields=renamed["f"], reading=renamed["r"])
    asking = ASK_FOR_FIRST.replace("Inner", "Within")
    assert asked(tmp_path, asking) == (1, 0)
    assert asked(tmp_path, asking) == (1, 1)


def test_the_tape_depends_on_all_that_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that of the project's own kernels the same is said each time."""
    function = machine.execute.py_func  # type: ignore[attr-defined]  # numba has no types
    before = stamp_of(function)
    assert stamp_of(function) == before
    monkeypatch.setattr(row_intrinsics, "EACH", [*range(7)])
    assert stamp_of(function) != before
