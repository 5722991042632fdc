"""Bytes of data files: plain, compressed, members of an archive, or the parts in a folder.

A file's first bytes tell its format, not its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from model.errors import DataError
from streams.datasets.files.archives import is_archive, match_member, member_content, members_of
from streams.datasets.files.compression import expanded
from streams.datasets.files.foreign_formats import refuse_foreign
from streams.datasets.files.parts import are_parts, data_among, files_in, refuse_mixed


class DataFile(NamedTuple):
    """A file's name for messages, and its content after decompression."""

    name: str
    content: bytes


class Source(NamedTuple):
    """One file, or several that are parts of one table.

    `parts`: their paths in the folder or archive. `passed_over`: how many other files lie beside them.
    """

    name: str
    files: list[DataFile]
    parts: list[str] = []  # noqa: RUF012  (a tuple's default is never changed)


def read_source(spec: str) -> Source:
    """Read `FILE`, `ARCHIVE:MEMBER` (zip or tar, plain or compressed), or a folder of parts.

    Raises `DataError` with what to do.
    """
    path, member = place_of(spec)
    if path.is_dir():
        return _folder(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; pass a data file that exists and can be read") from None
    return _expand(path.name, content, member)


def place_of(spec: str) -> tuple[Path, str | None]:
    """The file, and the member after a colon if the part before the colon is a file."""
    if Path(spec).exists():
        return Path(spec), None
    for place, char in enumerate(spec):
        if char == ":" and Path(spec[:place]).is_file():
            return Path(spec[:place]), spec[place + 1 :]
    return Path(spec), None


def _folder(path: Path) -> Source:
    files = files_in(path)
    if not files:
        raise DataError(f"{path} is a folder without data files; name a data file, or a folder of parts")
    if not are_parts(files):
        raise refuse_mixed(
            str(path), f"is a folder with {len(files)} files that are not parts of one table", files, "/"
        )
    read = []
    for file in files:
        try:
            content = (path / file).read_bytes()
        except OSError as error:
            raise DataError(f"{path / file}: {error.strerror}; pass files that can be read") from None
        read += [(file, each) for each in _non_empty(file, content)]
    if not read:
        raise DataError(f"{path} is a folder of {len(files)} empty files; expected rows of data")
    return Source(path.name or str(path), [each for _, each in read], [file for file, _ in read])


def _non_empty(file: str, content: bytes) -> Iterator[DataFile]:
    """The file, unless it is empty: engines write a part for each task, with or without rows."""
    plain = expanded(file, content) if content else b""
    if (content if plain is None else plain).strip():
        yield from _expand(file, content, None).files


def _expand(name: str, content: bytes, member: str | None) -> Source:
    if is_archive(content):
        return _unpack(name, content, member)
    plain = expanded(name, content)
    if plain is not None:
        return _expand(name, plain, member)
    refuse_foreign(name, content)
    if member is not None:
        raise DataError(f"{name} is not a zip or tar archive, so it has no member {member!r}")
    if not content.strip():
        raise DataError(f"{name} is empty; expected rows of data")
    return Source(name, [DataFile(name, content)])


def _unpack(name: str, content: bytes, member: str | None) -> Source:
    members = members_of(name, content, member)
    if not members:
        raise DataError(f"{name} holds no files")
    chosen, inner = members, None
    if member is not None:
        chosen, inner = _chosen(members, member)
        if not chosen:
            raise refuse_mixed(name, f"has no member {member!r}", members, ":")
        chosen = data_among(chosen)
    if len(chosen) == 1:
        return _expand(f"{name}:{chosen[0]}", member_content(name, content, chosen[0]), inner)
    if not are_parts(chosen):
        raise refuse_mixed(name, f"holds {len(chosen)} files", chosen, ":")
    read = [(each, file) for each in chosen for file in _non_empty(each, member_content(name, content, each))]
    if not read:
        raise DataError(f"{name} holds {len(chosen)} empty files; expected rows of data")
    return Source(name, [file for _, file in read], [each for each, _ in read])


def _chosen(members: list[str], wanted: str) -> tuple[list[str], str | None]:
    """The members that `wanted` means, and the rest of the name if a member is an archive itself."""
    found = match_member(members, wanted)
    if found or ":" not in wanted:
        return found, None
    outer, inner = wanted.split(":", 1)
    return match_member(members, outer), inner
