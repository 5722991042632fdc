"""A saved encoder is there whole, is the same when loaded, and never replaces another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.errors import ModelError
from model.text_encoder import SentenceEncoder, load_encoder, save_encoder
from model.token_table import load_tokenizer
from tests.model.small_text import small_bert, small_folder

pytestmark = pytest.mark.usefixtures("one_thread")


def test_loaded_gives_the_same_vectors(tmp_path: Path) -> None:
    source = small_folder(tmp_path / "source")
    encoder, place = SentenceEncoder(small_bert(seed=5)), tmp_path / "deep" / "tuned"
    save_encoder(encoder, str(source), place)
    tokens = torch.tensor([[2, 9, 10, 3]])
    with torch.no_grad():
        torch.testing.assert_close(
            load_encoder(str(place))(tokens, tokens > 0), encoder(tokens, tokens > 0), atol=1e-6, rtol=0
        )
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {each.name for each in place.iterdir()}
    assert load_tokenizer(str(place))("a0")["input_ids"] == [2, 5, 3]
    with pytest.raises(ModelError, match="already there"):
        save_encoder(encoder, str(source), place)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        save_encoder(SentenceEncoder(small_bert()), str(tmp_path / "nowhere"), tmp_path / "out" / "tuned")
    assert list((tmp_path / "out").iterdir()) == []
