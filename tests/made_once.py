"""What takes long to make, and is the same for all tests: made once in a run, and then only read or copied.

`scripts/test` names one folder for all of its processes; elsewhere each process has its own.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

SHARED = "SHARED_BY_TESTS"


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name`, for reading: whichever process needs it first has `make` fill it, the others wait.

    The folder is there whole or not at all: where `make` fails, the next one begins anew.
    """
    shared = _shared()
    whole, part = shared / name, shared / f"{name}.part"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(whole)
    return whole


def _shared() -> Path:
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="headrace-tests-")
        atexit.register(shutil.rmtree, os.environ[SHARED], ignore_errors=True)
    return Path(os.environ[SHARED])
