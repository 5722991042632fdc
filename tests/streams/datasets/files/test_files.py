from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from model.errors import DataError
from streams.datasets.files.files import DataFile, read_source

CONTENT = b"user,item,ts\na,b,1\n"


def read_data_file(spec: str) -> DataFile:
    """The only file of a source."""
    (file,) = read_source(spec).files
    return file


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
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(CONTENT, mtime=0)[:-9], "compressed but broken"),
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
    with pytest.raises(DataError, match=r"can't be unpacked.*encrypted"):
        read_data_file(spec)


def tarred(path: Path, members: dict[str, bytes], mode: str = "w:") -> str:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # the mode is one of tarfile's
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return str(path)


def by_arrow(codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(CONTENT)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_zstd_and_lz4_are_read(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(by_arrow(codec))
    assert read_data_file(str(path)).content == CONTENT


@pytest.mark.parametrize("name", ["DATA.ZIP", "d.zip", "d", "ml.1:2.zip"])
@pytest.mark.parametrize("member", ["ratings.csv", "ml/ratings.csv"])
def test_the_advice_of_the_error_works(tmp_path: Path, name: str, member: str) -> None:
    spec = zipped(tmp_path / name, {"ml/ratings.csv": CONTENT, "ml/movies.csv": b"other", "README.txt": b"x"})
    with pytest.raises(DataError, match="holds 2 files") as error:
        read_data_file(spec)
    advised = str(error.value).rsplit("as in ", 1)[1]
    assert read_data_file(str(tmp_path / advised)).content == CONTENT
    assert read_data_file(f"{spec}:{member}").content == CONTENT


def test_one_data_member_beside_others_needs_no_name(tmp_path: Path) -> None:
    spec = zipped(tmp_path / "d.zip", {"ratings.csv": CONTENT, "README.txt": b"read me", "LICENSE": b"x"})
    assert read_data_file(spec) == ("d.zip:ratings.csv", CONTENT)
    assert read_data_file(f"{spec}:README.txt").content == b"read me"


@pytest.mark.parametrize(
    ("mode", "name"), [("w:", "d.tar"), ("w:gz", "d.tgz"), ("w:bz2", "d.tar.bz2"), ("w:xz", "d.txz")]
)
def test_tar_archives(tmp_path: Path, mode: str, name: str) -> None:
    spec = tarred(tmp_path / name, {"ml/u.data": CONTENT, "ml/README": b"x"}, mode)
    assert read_data_file(spec) == (f"{name}:ml/u.data", CONTENT)
    assert read_data_file(f"{spec}:ml/u.data").content == CONTENT
    assert read_data_file(f"{spec}:u.data").content == CONTENT
    with pytest.raises(DataError, match=r"no member 'u\.item'"):
        read_data_file(f"{spec}:u.item")


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.csv": CONTENT, "b.csv": b"other"})
    spec = zipped(tmp_path / "outer.zip", {"inner.zip": Path(inner).read_bytes(), "c.csv": b"third"})
    assert read_data_file(f"{spec}:inner.zip:a.csv").content == CONTENT


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"7z\xbc\xaf\x27\x1c....", "a 7z archive.*7z x data.bin"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive.*unrar x data.bin"),
        (OLE, "old Excel workbook"),
        (b"SQLite format 3\x00..", "an SQLite database.*sqlite3 -csv"),
        (b"\x89HDF\r\n\x1a\n", "HDF5.*read_hdf"),
        (b"\x80\x04\x95", "a Python pickle.*read_pickle"),
        (b"%PDF-1.4", "a PDF"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"% weka\n@RELATION ratings\n", "ARFF"),
        (b"-- dump\nCREATE TABLE x (a int);\n", "an SQL dump"),
        (gzip.compress(b"RDX3\nX\n\x00\x00\x00", mtime=0), "an R data file"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"data.bin is .*{what}"):
        read_data_file(str(path))


def test_an_excel_workbook_says_how_to_convert_it(tmp_path: Path) -> None:
    spec = zipped(tmp_path / "s.xlsx", {"[Content_Types].xml": b"x", "xl/workbook.xml": b"y"})
    with pytest.raises(DataError, match=r"s\.xlsx is an Excel workbook.*read_excel\('s\.xlsx'\).*to_csv"):
        read_data_file(spec)


def test_words_that_begin_like_other_formats_are_data(tmp_path: Path) -> None:
    for text in ("SEQ,user,item\n1,a,b\n", "set name,item\na,b\n", "Object,user\n1,2\n", "Xuser,item\na,b\n"):
        (tmp_path / "d.csv").write_text(text)
        assert read_data_file(str(tmp_path / "d.csv")).content == text.encode()
