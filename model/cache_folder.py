"""Where this machine's user keeps what can be made anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """`HEADRACE_CACHE`, else `headrace` in the user's cache folder.

    >>> cache_folder({"XDG_CACHE_HOME": "/c"}).as_posix()
    '/c/headrace'
    >>> cache_folder({"HEADRACE_CACHE": "/mine", "XDG_CACHE_HOME": "/c"}).as_posix()
    '/mine'
    """
    if chosen := environ.get("HEADRACE_CACHE"):
        return Path(chosen)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headrace"
