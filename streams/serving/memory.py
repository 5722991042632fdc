"""Memory that a start has used and does not need any more goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LARGE_BYTES = 2 << 20
"""No array of a batch is as large: columns over all items are, and what a start or a snapshot copies."""
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of <malloc.h>
READ_ONLY = "r-xp", "r--p"
DONT_NEED = 4  # MADV_DONTNEED of <sys/mman.h>


class Mapped(NamedTuple):
    """A part of a file in this process's memory, in bytes."""

    address: int
    size: int
    file: str


def return_large_arrays() -> None:
    """Have the C library return each large array as soon as it is freed, from now on. Its own rule is to keep
    what is freed up to 32 MiB once it has freed something as large: what one snapshot copied stayed, and a
    column with room for items to come took that room at once, as memory that is used again must be cleared.
    Does nothing elsewhere than with glibc.
    """
    if sys.platform != "linux":
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(MMAP_THRESHOLD, LARGE_BYTES)
        # Else a heap would shrink by what each batch has used, to grow by it again with the next one.
        set_option(TRIM_THRESHOLD, 2 * LARGE_BYTES)


def give_back() -> None:
    """Have the C library return what was freed; it keeps that otherwise, in pieces. Does nothing elsewhere
    than with glibc.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def give_back_code() -> None:
    """Hold the code and the constants of libraries no longer. Where they are used again, the system maps
    them anew, out of its cache of the file. Does nothing elsewhere than on Linux.

    A start uses most of them: LLVM loads and compiles the kernels, and then rests; onnxruntime makes the
    vectors of all items; packages are imported. Service uses a third.
    """
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for part in unchanged(Path("/proc/self/smaps").read_text().splitlines()):
        advise(part.address, part.size, DONT_NEED)


def unchanged(smaps: Iterable[str]) -> Iterator[Mapped]:
    """Which parts of memory are as they are in a file, and can't be written to, by the lines of
    `/proc/self/smaps`. What the loader has written into is left out: no file has that.

    >>> code = ["10-3f r-xp 00 08:01 7  /lib/a.so", "Anonymous:   0 kB"]
    >>> list(unchanged([*code, "40-50 r--p 00 08:01 7  /lib/a.so", "Anonymous:   4 kB"]))
    [Mapped(address=16, size=47, file='/lib/a.so')]
    """
    part: Mapped | None = None
    for line in smaps:
        words = line.split(maxsplit=5)
        if words[0] == "Anonymous:":
            if part is not None and words[1] == "0":
                yield part
        elif not words[0].endswith(":"):
            part = None
            if len(words) == 6 and words[1] in READ_ONLY and words[5].startswith("/"):
                begin, end = (int(each, 16) for each in words[0].split("-"))
                part = Mapped(begin, end - begin, words[5])
