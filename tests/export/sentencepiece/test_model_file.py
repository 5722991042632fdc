"""The file of the wheel, read, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.sentencepiece.model_file import Piece, read_model_file
from model.errors import ModelError
from model.universal import universal_folder


def message(field: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([field << 3 | 2, len(value)]) + value


def piece(text: str, score: bytes = b"\0\0\x80\xbf", kind: int = 1) -> bytes:
    return message(1, message(1, text.encode()) + b"\x15" + score + bytes([3 << 3, kind]))


def test_pieces_have_texts_scores_and_kinds(tmp_path: Path) -> None:
    path = tmp_path / "sp.model"
    path.write_bytes(
        piece("<unk>", kind=2) + piece("<s>", kind=3) + piece("▁né") + message(3, message(2, b"rules"))
    )
    read = read_model_file(path)
    assert read.charsmap == b"rules"
    assert read.pieces == [Piece("<unk>", -1.0, False), Piece("<s>", -1.0, False), Piece("▁né", -1.0, True)]


def test_the_wheels_file_is_read() -> None:
    read = read_model_file(universal_folder() / "sp.model")
    assert len(read.pieces) == 128_000
    assert [each.text for each in read.pieces[:3]] == ["<unk>", "<s>", "</s>"]
    assert not any(each.found for each in read.pieces[:3])
    assert {"▁the", "电影", "映画", "영화"} & {each.text for each in read.pieces if each.found}


@pytest.mark.parametrize("content", [b"", b"\x0a\xff", b"\x0a\x7fcut", piece("a"), b"\x0f\x01", b"\xff" * 30])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sp.model"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"sp\.model"):
        read_model_file(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no sentencepiece model"):
        read_model_file(tmp_path / "sp.model")
