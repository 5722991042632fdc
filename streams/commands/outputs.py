"""A long run must not end in a file that can't be written: every place is tried before the run."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from model.errors import DataError


def check_files(outputs: Mapping[str, Path | None], inputs: Iterable[str | Path | None] = ()) -> None:
    """Raise `DataError` where one of these files can't be written, is given twice, or is an input.

    `outputs`: by their options (`--json`). Files that are there are opened and left as they are.
    """
    read = {os.path.realpath(each) for each in inputs if each is not None}
    taken: dict[str, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        target = Path(os.path.realpath(path))
        if str(target) in read:
            raise DataError(f"{option} {path}: this file is read; name another one, so that no data is lost")
        if str(target) in taken:
            raise DataError(f"{option} {path}: {taken[str(target)]} writes to it too; name two files")
        taken[str(target)] = option
        try:
            _try_file(option, path, target)
        except OSError as error:
            raise DataError(f"{option} {path}: {error.strerror}; name a file that can be written") from None


def check_folder(option: str, path: Path | None) -> None:
    """Raise `DataError` where this folder is none, or can't be made or written to."""
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
    """Raise `DataError` where a page of plots is asked for and plotly is missing."""
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
