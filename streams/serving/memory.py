"""Memory that a start has used and does not need any more goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

COMPILER, RUNTIME = "libllvmlite.so", "onnxruntime_pybind11_state"
RESTING = COMPILER, RUNTIME
"""How the names of libraries begin that a start uses most: LLVM loads and compiles the kernels, and then rests.
onnxruntime has made the vectors of all items; of its 24 MB service uses a part, or none where compiled code scores.
"""
LARGE_BYTES = 4 << 20
"""An array of this size is no part of a batch: columns over all items, and what a start or a snapshot copies."""
MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of <malloc.h>
READ_ONLY = "r-xp", "r--p"
DONT_NEED = 4  # MADV_DONTNEED of <sys/mman.h>


class Mapped(NamedTuple):
    """A part of a file in this process's memory, in bytes."""

    address: int
    size: int


def return_large_arrays() -> None:
    """Have the C library return each large array as soon as it is freed, from now on. Its own rule is to keep what is
    freed up to 32 MiB once it has freed something as large: what one snapshot copied stayed, and a column with room
    for items to come took that room at once, as memory that is used again must be cleared. Does nothing elsewhere
    than with glibc.
    """
    if sys.platform != "linux":
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """Have the C library return what was freed; it keeps that otherwise, in pieces. Does nothing elsewhere
    than with glibc.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def give_back_code(files: Sequence[str] = RESTING) -> None:
    """Hold the code and the constants of libraries no longer that rest from now on. Where they are used again, the
    system maps them anew, out of its cache of the file. Does nothing elsewhere than on Linux.
    """
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for part in unchanged(files, Path("/proc/self/smaps").read_text().splitlines()):
        advise(part.address, part.size, DONT_NEED)


def unchanged(files: Sequence[str], smaps: Iterable[str]) -> Iterator[Mapped]:
    """Which parts of files are in memory as they are on disk, and can't be written to, by the lines of
    `/proc/self/smaps`; files: how their names begin. What the loader has written into is left out: that can't be read
    from the file again.

    >>> code = ["10-3f r-xp 00 08:01 7  /lib/a.so", "Anonymous:   0 kB"]
    >>> list(unchanged(["a."], [*code, "40-50 r--p 00 08:01 7  /lib/a.so", "Anonymous:   4 kB"]))
    [Mapped(address=16, size=47)]
    """
    part: Mapped | None = None
    for line in smaps:
        words = line.split(maxsplit=5)
        if words[0] == "Anonymous:":
            if part is not None and words[1] == "0":
                yield part
        elif not words[0].endswith(":"):
            part = None
            if len(words) == 6 and words[1] in READ_ONLY and Path(words[5]).name.startswith(tuple(files)):
                begin, end = (int(each, 16) for each in words[0].split("-"))
                part = Mapped(begin, end - begin)
