"""Files in archives: zip and tar."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Sequence

from model.errors import DataError
from streams.datasets.files.compression import BROKEN
from streams.datasets.files.foreign_formats import refuse_office
from streams.datasets.files.parts import data_among

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# Files that engines leave beside the parts of a table.
_MARKERS = ("_SUCCESS", "_metadata", "_common_metadata", "_committed_", "_started_")


def is_archive(content: bytes) -> bool:
    """Whether these bytes are a zip or a tar; their first bytes tell."""
    return content.startswith(_ZIP) or _is_tar(content)


def members_of(name: str, content: bytes, wanted: str | None) -> list[str]:
    """The names of the data files in an archive; the names of all files if a member is `wanted`."""
    names = _zip_names(name, content) if content.startswith(_ZIP) else _tar_names(name, content)
    files = [each for each in names if not _is_hidden(each)]
    if wanted is not None:
        return files
    return data_among(files)


def member_content(name: str, content: bytes, member: str) -> bytes:
    """The bytes of one file in an archive."""
    try:
        if content.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return archive.read(member)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            inner = archive.extractfile(member)
            return inner.read() if inner is not None else b""
    except (zipfile.BadZipFile, tarfile.TarError, RuntimeError, NotImplementedError, *BROKEN) as error:
        raise DataError(f"{name} can't be unpacked: {error}") from None


def match_member(members: Sequence[str], wanted: str) -> list[str]:
    """The files that a name means: that file, else those of that folder, else the only file that ends so.

    >>> match_member(["ml/ratings.csv", "ml/movies.csv"], "ratings.csv")
    ['ml/ratings.csv']
    """
    plain = wanted.removeprefix("./")
    same = [each for each in members if each.removeprefix("./") == plain]
    inside = [each for each in members if each.removeprefix("./").startswith(plain.rstrip("/") + "/")]
    ends = [each for each in members if each.endswith("/" + plain)]
    return same[:1] or inside or (ends if len(ends) == 1 else [])


def _is_tar(content: bytes) -> bool:
    if content[257:262] == b"ustar":
        return True
    # Tars older than POSIX have no magic: the header's checksum identifies them.
    if len(content) < 1_024 or len(content) % 512 or not content[0]:
        return False
    try:
        tarfile.TarInfo.frombuf(content[:512], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _zip_names(name: str, content: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [each for each in archive.namelist() if not each.endswith("/")]
    except (zipfile.BadZipFile, *BROKEN) as error:
        raise DataError(f"{name} can't be unzipped: {error}; fetch it again") from None
    refuse_office(name, names)
    return names


def _tar_names(name: str, content: bytes) -> list[str]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            return [each.name for each in archive.getmembers() if each.isfile()]
    except (tarfile.TarError, *BROKEN) as error:
        raise DataError(f"{name} is a tar archive but broken: {error}; fetch it again") from None


def _is_hidden(member: str) -> bool:
    base = member.rsplit("/", 1)[-1]
    return member.startswith("__MACOSX/") or base.startswith((".", *_MARKERS))
