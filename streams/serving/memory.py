"""Memory that a start has used and does not need any more goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

COMPILER = "libllvmlite.so"
"""It loads and compiles the kernels, and then rests; its code is 65 MB of a process's memory."""
DONT_NEED = 4  # MADV_DONTNEED of <sys/mman.h>


class Mapped(NamedTuple):
    """A part of a file's code in this process's memory."""

    address: int
    size: int


def give_back() -> None:
    """Have the C library return what was freed; it keeps that otherwise, in pieces. Does nothing elsewhere
    than with glibc.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def give_back_code(file: str = COMPILER) -> None:
    """Hold the code of a library no longer that rests from now on. Where it is called again, the system maps
    it anew, out of its cache of the file. Does nothing elsewhere than on Linux.

    Code alone is the same in the file; the loader has written into what else is mapped of it.
    """
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for part in code_of(file, Path("/proc/self/maps").read_text().splitlines()):
        advise(part.address, part.size, DONT_NEED)


def code_of(file: str, maps: Iterable[str]) -> Iterator[Mapped]:
    """Where the code of a file lies, by the lines of `/proc/self/maps`.

    >>> list(code_of("a.so", ["10-3f r-xp 00 08:01 7  /lib/a.so", "40-50 r--p 00 08:01 7  /lib/a.so"]))
    [Mapped(address=16, size=47)]
    """
    for line in maps:
        words = line.split(maxsplit=5)
        if len(words) == 6 and words[1] == "r-xp" and Path(words[5]).name == file:
            begin, end = (int(each, 16) for each in words[0].split("-"))
            yield Mapped(begin, end - begin)
