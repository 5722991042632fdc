"""Where an index of words is kept on disk: generations, and which of them is the present one.

An index is made anew beside the present one. The file `CURRENT` then names it, in one step: whoever starts at
that moment opens the former one or the new one, and never a half.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from pathlib import Path

CURRENT, PREFIX = "CURRENT", "words-"


def current(folder: Path) -> Path | None:
    """The present generation; None where there is none."""
    try:
        named = folder / (folder / CURRENT).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return named if named.name.startswith(PREFIX) and named.is_dir() else None


def begin(folder: Path) -> Path:
    """The folder of a new generation; raises `OSError` where it can't be made."""
    made = folder / f"{PREFIX}{uuid.uuid4().hex}"
    made.mkdir(parents=True)
    return made


def adopt(generation: Path) -> None:
    """Make it the present one, and remove the others."""
    folder = generation.parent
    written = folder / f"{CURRENT}.{uuid.uuid4().hex}"
    written.write_text(generation.name, "utf-8")
    written.replace(folder / CURRENT)
    for other in folder.glob(f"{PREFIX}*"):
        if other != generation:
            with contextlib.suppress(OSError):  # somebody reads it still: it goes the next time
                shutil.rmtree(other)
