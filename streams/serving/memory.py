"""Memory that a start has used and does not need any more goes back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Have the C library return what was freed; it keeps that otherwise, in pieces. Does nothing elsewhere
    than with glibc.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
