"""Texts as tokens: cut, padded, and encoded in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import ModelError
from model.text_encoder import SentenceEncoder
from model.token_table import TokenTable, encode_all, load_tokenizer
from tests.model.small_text import WORDS, small_bert, small_folder, small_tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")


def test_cut_and_padded() -> None:
    table = TokenTable(["a0 a1", "a0 a1 a2 a3 a4 b0"], small_tokenizer(), 6)
    tokens, mask = table.batch([1, 0])
    assert tokens.tolist() == [[2, 5, 6, 7, 8, 3], [2, 5, 6, 3, 0, 0]]
    assert mask.tolist() == [[1] * 6, [1] * 4 + [0] * 2]
    assert len(TokenTable([], small_tokenizer(), 6)) == 0


def test_vectors_are_in_the_order_of_the_texts() -> None:
    texts = [" ".join(WORDS[k : k + 1 + (7 * k) % 9]) for k in range(35)]
    encoder = SentenceEncoder(small_bert())
    table = TokenTable(texts, small_tokenizer(), 20)
    with torch.no_grad():
        alone = np.concatenate([encoder(*table.batch([k])).numpy() for k in range(35)])
    np.testing.assert_allclose(encode_all(encoder, table), alone, atol=1e-5)


def test_a_folder_has_its_tokenizer(tmp_path: Path) -> None:
    assert load_tokenizer(str(small_folder(tmp_path / "small")))("a0")["input_ids"] == [2, 5, 3]
    with pytest.raises(ModelError, match="no readable tokenizer"):
        load_tokenizer(str(tmp_path / "nothing"))


def test_half_a_character_is_no_error() -> None:
    table = TokenTable(["a0 \ud83d", "a0 \ufffd"], small_tokenizer(), 6)
    assert table.rows[0] == table.rows[1]
