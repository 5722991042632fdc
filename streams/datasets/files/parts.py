"""One table that lies in several files, as Spark, Hive, BigQuery and `split` write it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from model.errors import DataError

LISTED = 20
_ABOUT = re.compile(
    r"(readme|licen[cs]e|changelog|checksums?|md5sums?|thumbs\.db|desktop\.ini)(\b|_|$)"
    r"|.*\.(md|rst|pdf|html?|docx?|png|jpe?g|gif|py|r|sh|pl|md5|sha1|sha256|crc|ds_store)$",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COMPRESSION = re.compile(r"\.(gz|bz2|xz|zst|lz4|snappy)$", re.IGNORECASE)


def pattern(file: str) -> str:
    """A file's name without the characters that differ between the parts of one table.

    >>> pattern("part-00001-c000.snappy.parquet") == pattern("part-00012-c000.snappy.parquet")
    True
    """
    base = file.rsplit("/", 1)[-1].lower()
    return _COMPRESSION.sub("", re.sub(r"\d+", "#", _UUID.sub("#", base)))


def are_parts(files: Iterable[str]) -> bool:
    """Whether these files are parts of one table, by their names."""
    names = [file.rsplit("/", 1)[-1] for file in files]
    patterns = {pattern(name) for name in names}
    if len(patterns) == 1:
        return len(names) == 1 or "#" in next(iter(patterns))
    # `split` ends its parts in aa, ab, ac ...
    stems = {name[:-2] for name in names if re.search(r"[-_.a-z]a[a-z]$", name)}
    return len(stems) == 1 and all(
        name.startswith(tuple(stems)) and len(name) - 2 == len(*stems) for name in names
    )


def files_in(folder: Path) -> list[str]:
    """The paths of the data files under a folder, without names that begin with . or _."""
    found = []
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(each for each in folders if not each.startswith((".", "_")))
        inner = Path(root).relative_to(folder)
        found += [str(inner / each) for each in names if not each.startswith((".", "_"))]
    return data_among(sorted(found))


def data_among(files: list[str]) -> list[str]:
    """The files that hold data, without those that describe it; all files if none holds data.

    >>> data_among(["ml/README.txt", "ml/ratings.csv"])
    ['ml/ratings.csv']
    """
    return [each for each in files if not _ABOUT.match(each.rsplit("/", 1)[-1])] or files


def constants_of(file: str) -> dict[str, str]:
    """The columns that the folders of a part name, as Hive writes them.

    >>> constants_of("year=2020/action=buy/part-0.csv")
    {'year': '2020', 'action': 'buy'}
    """
    from urllib.parse import unquote

    pairs = (folder.partition("=") for folder in file.split("/")[:-1])
    return {name: unquote(value) for name, equals, value in pairs if equals and name}


def refuse_mixed(name: str, what: str, files: list[str], between: str) -> DataError:
    """The error for a folder or an archive whose files are not one table."""
    listed = ", ".join(files[:LISTED]) + (", ..." if len(files) > LISTED else "")
    return DataError(f"{name} {what}: {listed}. Name one, as in {name}{between}{data_among(files)[0]}")
