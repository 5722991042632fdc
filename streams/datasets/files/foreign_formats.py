"""Formats that Headrace does not read: their names, and how to convert them."""

from __future__ import annotations

import re

from model.errors import DataError

_ONE_LINE = "python -c \"import pandas as pd; pd.{}('{}').to_csv('data.csv', index=False)\""
_UNPACK = "unpack it ({}), then name the data file in it"

_BY_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK.format("7z x FILE")),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK.format("unrar x FILE")),
    (b"\x1f\x9d", "compressed by compress (.Z)", "unpack it: uncompress FILE"),
    (b"\x1f\xa0", "compressed by compress (.Z)", "unpack it: uncompress FILE"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed by snappy", "pass it unpacked, or as gzip"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel workbook (.xls) or another Office file",
        "save the sheet as CSV",
    ),
    (
        b"SQLite format 3\x00",
        "an SQLite database",
        "sqlite3 -csv -header FILE 'SELECT * FROM table' > data.csv",
    ),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _ONE_LINE.format("read_hdf", "FILE")),
    (b"\x93NUMPY", "a numpy array", "save it as CSV: numpy.savetxt('data.csv', array, delimiter=',')"),
    (b"Obj\x01", "an Avro file", "write it as JSON lines: java -jar avro-tools.jar tojson FILE > data.jsonl"),
    (b"SEQ\x06", "a Hadoop sequence file", "write it as CSV or Parquet from Spark"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", "load it with scipy.io.loadmat and write it as CSV"),
    (b"RDX2\n", "an R data file", "write.csv(data, 'data.csv', row.names = FALSE) in R"),
    (b"RDX3\n", "an R data file", "write.csv(data, 'data.csv', row.names = FALSE) in R"),
    (
        b"X\n\x00\x00\x00",
        "an R object (.rds)",
        "write.csv(readRDS('FILE'), 'data.csv', row.names = FALSE) in R",
    ),
    (b"%PDF-", "a PDF", "look for the data itself where it came from"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the data", "fetch it: git lfs pull"),
    (b"\x80\x02", "a Python pickle", _ONE_LINE.format("read_pickle", "FILE")),
    (b"\x80\x03", "a Python pickle", _ONE_LINE.format("read_pickle", "FILE")),
    (b"\x80\x04", "a Python pickle", _ONE_LINE.format("read_pickle", "FILE")),
    (b"\x80\x05", "a Python pickle", _ONE_LINE.format("read_pickle", "FILE")),
)
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(!doctype|html|\?xml|[a-z]+[ >])", re.IGNORECASE)
_ARFF = re.compile(rb"\s*(?:%[^\n]*\n\s*)*@relation\s", re.IGNORECASE)
_SQL = re.compile(
    rb"\s*(?:(?:--|/\*)[^\n]*\n\s*)*(CREATE|INSERT|DROP|LOCK)\s+(TABLES?|INTO|DATABASE)\b", re.IGNORECASE
)
_OFFICE = {
    "xl/": ("an Excel workbook", "save the sheet as CSV, or run: " + _ONE_LINE.format("read_excel", "FILE")),
    "word/": ("a Word document", "save the table in it as CSV"),
    "content.xml": ("an OpenDocument file", "save the sheet as CSV"),
}


def refuse_foreign(name: str, content: bytes) -> None:
    """Raise `DataError` for a file in a known format that Headrace does not read."""
    head = content[:4096]
    for magic, what, remedy in _BY_MAGIC:
        if head.startswith(magic):
            raise _refused(name, what, remedy)
    if found := _MARKUP.match(head):
        page = found[1].lower() in (b"!doctype", b"html")
        what = "a web page, perhaps an error page or a form to log in" if page else "XML"
        raise _refused(name, what, "fetch the data itself" if page else "write it as CSV or JSON lines")
    if _ARFF.match(head):
        raise _refused(
            name, "an ARFF file of Weka", "put the names in a header line and leave out the @ lines"
        )
    if _SQL.match(head):
        raise _refused(name, "an SQL dump", "load it into a database and write the table as CSV")


def refuse_office(name: str, members: list[str]) -> None:
    """Raise `DataError` for a zip that is a document of an office program, or an archive of numpy arrays."""
    for member in members:
        for begin, (what, remedy) in _OFFICE.items():
            if member.startswith(begin):
                raise _refused(name, what, remedy)
    if members and all(member.endswith(".npy") for member in members):
        raise _refused(name, "an archive of numpy arrays (.npz)", "save them as columns of a CSV file")


def _refused(name: str, what: str, remedy: str) -> DataError:
    return DataError(f"{name} is {what}, which Headrace does not read; {remedy.replace('FILE', name)}")
