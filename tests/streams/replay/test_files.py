from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from model.errors import DataError
from streams.replay.files import read_data_file

CONTENT = b"user,item,ts\na,b,1\n"


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_compression_is_told_by_content_not_name(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(compress(CONTENT))
    assert read_data_file(str(path)).content == CONTENT


def zipped(path: Path, members: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return str(path)


def test_zip_with_one_data_file_needs_no_name(tmp_path: Path) -> None:
    spec = zipped(
        tmp_path / "d.zip",
        {"folder/": b"", "folder/r.csv": CONTENT, "__MACOSX/._r.csv": b"x", ".DS_Store": b"x"},
    )
    assert read_data_file(spec) == ("d.zip:folder/r.csv", CONTENT)


def test_zip_with_several_says_how_to_name_one(tmp_path: Path) -> None:
    spec = zipped(tmp_path / "d.zip", {"a.csv": CONTENT, "b.csv": b"other"})
    with pytest.raises(DataError, match=r"holds 2 files: a\.csv, b\.csv\. Name one, as in d\.zip:a\.csv"):
        read_data_file(spec)
    assert read_data_file(f"{spec}:b.csv").content == b"other"
    with pytest.raises(DataError, match=r"no member 'c\.csv': a\.csv, b\.csv"):
        read_data_file(f"{spec}:c.csv")


def test_gzip_inside_a_zip(tmp_path: Path) -> None:
    spec = zipped(tmp_path / "d.zip", {"r.csv.gz": gzip.compress(CONTENT)})
    assert read_data_file(spec).content == CONTENT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(CONTENT)[:-9], "compressed but broken"),
        (b"PK\x03\x04 and no more", "can't be unzipped"),
        (b"\x28\xb5\x2f\xfd....", r"compressed but broken \(zstd\)"),
    ],
)
def test_unreadable_files_are_named_with_the_reason(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"data.csv.*{message}"):
        read_data_file(str(path))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_data_file(str(tmp_path / "none.csv"))
    with pytest.raises(DataError, match="is a folder without data files"):
        read_data_file(str(tmp_path))
    with pytest.raises(DataError, match="holds no files"):
        read_data_file(zipped(tmp_path / "e.zip", {"folder/": b""}))


def test_encrypted_zip_is_an_error(tmp_path: Path) -> None:
    spec = zipped(tmp_path / "d.zip", {"a.csv": CONTENT})
    raw = bytearray(Path(spec).read_bytes())
    raw[6] |= 1  # the "encrypted" flag, in the local header and in the central directory
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    Path(spec).write_bytes(raw)
    with pytest.raises(DataError, match="can't be unpacked.*encrypted"):
        read_data_file(spec)
