"""Every option that writes is tried before the run."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from model.errors import DataError
from streams.commands.main import main
from streams.commands.outputs import check_files, check_folder

TRAIN = ["train", "--interactions", "r.csv", "--name", "m", "--registry", "models"]
FILES = [
    *(
        (["replay", "--interactions", "r.csv", "--model", "none"], each)
        for each in ("--report", "--json", "--slates", "--bad-rows")
    ),
    (TRAIN, "--report"),
    *(([*TRAIN[:3], "--compare-fusion"], each) for each in ("--compare-json", "--compare-html")),
    (["tune-text", "--interactions", "r.csv", "--out", "encoder"], "--json"),
    *((["bench", "freshness"], each) for each in ("--json", "--table", "--plot")),
]
FOLDERS = [
    (TRAIN, "--keep"),
    (TRAIN, "--resume"),
    (TRAIN[:-2], "--registry"),
    (["tune-text", "--interactions", "r.csv"], "--out"),
    (["examples", "--interactions", "r.csv"], "--out"),
    (["distil", "--from", "a", "--name", "b", "--examples", "kept"], "--registry"),
    (["bench", "freshness"], "--folder"),
    (["demo"], "--folder"),
    (["up"], "--folder"),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in: no command here gets as far as to read its data."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "option"), FILES, ids=lambda each: each if isinstance(each, str) else each[0]
)
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none/out", "the folder none does not exist; make it first"),
        (".", "is a folder; name a file in it"),
        ("file/out", "file is a file, not a folder"),
        ("x" * 300, "File name too long; name a file that can be written"),
        ("/proc/out", "name a file that can be written"),
    ],
)
def test_files(
    words: list[str], option: str, path: str, message: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, option, path]) == 2
    error = capsys.readouterr().err
    assert f"{option} {path}" in error
    assert message in error
    assert error.count("\n") == 1
    assert [each.name for each in place.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("words", "option"), FOLDERS, ids=lambda each: each if isinstance(each, str) else each[0]
)
@pytest.mark.parametrize("path", ["file", "file/inner", "/proc/inner"])
def test_folders(
    words: list[str], option: str, path: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, option, path]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert path in error
    assert "name a folder" in error or "already there" in error
    assert [each.name for each in place.iterdir()] == ["file"]


def test_an_input_is_never_written_to(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "r.csv").write_text("user,item,ts\na,b,1\n")
    os.symlink("r.csv", place / "link")
    for path in ("r.csv", "./r.csv", "link"):
        assert main(["replay", "--interactions", "r.csv", "--json", path]) == 2
        assert "the run reads this file" in capsys.readouterr().err
    assert (place / "r.csv").read_text() == "user,item,ts\na,b,1\n"


def test_two_outputs_need_two_files() -> None:
    with pytest.raises(DataError, match=r"--json out: --slates writes to it too"):
        check_files({"--slates": Path("out"), "--json": Path("out")})


def test_what_is_there_stays_as_it_is(place: Path) -> None:
    os.symlink("later", place / "link")
    check_files(
        {"--json": Path("file"), "--slates": Path("link"), "--report": Path("/dev/null"), "--plot": None}
    )
    check_folder("--out", Path("new/inner"))
    check_folder("--out", None)
    assert (place / "file").read_text() == "kept"
    assert sorted(each.name for each in place.iterdir()) == ["file", "link"]
    assert (place / "link").is_symlink()


def test_an_archive_whose_member_is_read_is_never_written_to(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(place / "ml.zip", "w") as archive:
        archive.writestr("r.csv", "user,item,ts\na,b,1\n")
    before = (place / "ml.zip").read_bytes()
    assert main(["replay", "--interactions", "ml.zip:r.csv", "--bad-rows", "ml.zip"]) == 2
    assert "the run reads this file" in capsys.readouterr().err
    assert (place / "ml.zip").read_bytes() == before
