"""Try every output before a long run, so that the run does not end at a file that it can't write."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from model.errors import DataError


def check_files(outputs: Mapping[str, Path | None], inputs: Iterable[str | Path | None] = ()) -> None:
    """Raise `DataError` if the process can't write one of these files, or if one is named twice or an input.

    `outputs`: by their options (`--json`). This opens existing files, and leaves them as they are.
    """
    read = {os.path.realpath(path) for path in inputs if path is not None}
    taken: dict[str, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        target = Path(os.path.realpath(path))
        if str(target) in read:
            raise DataError(f"{option} {path}: the run reads this file; name another one, to keep its data")
        if str(target) in taken:
            raise DataError(f"{option} {path}: {taken[str(target)]} writes to it too; name two files")
        taken[str(target)] = option
        try:
            _try_file(option, path, target)
        except OSError as error:
            raise DataError(f"{option} {path}: {error.strerror}; name a file that can be written") from None


def check_folder(option: str, path: Path | None) -> None:
    """Raise `DataError` if the process can't make this folder or write to it."""
    if path is None:
        return
    try:
        place = Path(os.path.realpath(path))
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise DataError(f"{option} {path}: {place} is a file; name a folder")
        os.rmdir(tempfile.mkdtemp(prefix=".try-", dir=place))
    except OSError as error:
        raise DataError(f"{option} {path}: {error.strerror}; name a folder that can be written to") from None


def check_plots(outputs: Mapping[str, Path | None]) -> None:
    """Raise `DataError` if an option asks for a page of plots and plotly is missing."""
    for option, path in outputs.items():
        if path is not None and importlib.util.find_spec("plotly") is None:
            raise DataError(f"{option} needs plotly; install it: pip install 'headrace[train]'")


def _try_file(option: str, path: Path, target: Path) -> None:
    if target.is_dir():
        raise DataError(f"{option} {path} is a folder; name a file in it")
    if not target.parent.is_dir():
        if target.parent.exists():
            raise DataError(f"{option} {path}: {path.parent} is a file, not a folder; name another place")
        raise DataError(f"{option} {path}: the folder {path.parent} does not exist; make it first")
    there = target.exists()
    if there and not target.is_file():
        return  # a device or a pipe: to open it could wait for ever
    with target.open("ab"):
        pass
    if not there:
        target.unlink()
