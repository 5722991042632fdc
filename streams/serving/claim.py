"""A folder on disk that belongs to one namespace: two that write to it mix what is theirs, or delete it."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from model.errors import SettingsError

OWNER = ".namespace"


def claim(folder: Path, namespace: str, setting: str) -> None:
    """Take the folder, which `setting` names, for a namespace; nothing changes where it has it already.

    Raises `SettingsError` where it is another's, `OSError` where it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder / OWNER
    if not owner.exists():
        _write_once(owner, namespace)
    if (found := owner.read_text().strip()) != namespace:
        raise SettingsError(
            f"{setting} {folder} belongs to namespace {found!r}, and this is {namespace!r}: give each a"
            f" folder of its own, or delete {owner} where {found!r} is gone for good"
        )


def _write_once(owner: Path, namespace: str) -> None:
    """Whole or not at all; of several processes that do it at once, one is first."""
    staging = owner.with_name(f"{OWNER}-{uuid.uuid4().hex[:8]}")
    with contextlib.suppress(FileExistsError):
        try:
            staging.write_text(f"{namespace}\n")
            os.link(staging, owner)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            with owner.open("x") as file:
                file.write(f"{namespace}\n")
        finally:
            staging.unlink(missing_ok=True)
