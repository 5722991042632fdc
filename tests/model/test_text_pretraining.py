"""Masked words: which are hidden, and that a pattern in them is learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.early_stopping import Schedule
from model.errors import DataError
from model.lora import LoraSettings
from model.text_encoder import SentenceEncoder
from model.text_pretraining import NOTHING, PretrainSettings, hide, pretrain
from model.token_table import TokenTable
from tests.model.small_text import SPECIAL, WORDS, small_bert, small_tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = PretrainSettings(
    batch=16,
    round_texts=160,
    held_out_texts=48,
    max_tokens=10,
    lora=LoraSettings(top_layers=2, dropout=0.0),
    schedule=Schedule(rounds=5, patience=2, learning_rate=1e-2),
)


def corpus(count: int = 300) -> list[str]:
    """Each text says one word six times: a hidden one follows from its neighbours."""
    rng = np.random.default_rng(1)
    return [" ".join([WORDS[k]] * 6) for k in rng.integers(0, 40, count)]


def test_the_words_follow_from_their_neighbours() -> None:
    tuned, losses = pretrain(SentenceEncoder(small_bert()), small_tokenizer(), corpus(), SETTINGS)
    assert min(losses) < 0.75 * np.log(len(WORDS))  # what knows nothing has the whole logarithm
    assert [*tuned.transformer.state_dict()] == [*small_bert().state_dict()]


def test_eight_in_ten_are_masked_one_is_another_one_is_left() -> None:
    table = TokenTable(corpus(2_000), small_tokenizer(), 10)
    tokens, mask = table.batch(range(2_000))
    hidden = hide(tokens, mask, small_tokenizer(), 0.2, np.random.default_rng(3))
    guessed = hidden.labels != NOTHING
    words = 6 * 2_000
    assert int(guessed.sum()) == pytest.approx(0.2 * words, abs=4 * (words * 0.2 * 0.8) ** 0.5)
    assert (hidden.labels[guessed] == tokens[guessed]).all()
    assert (hidden.tokens[~guessed] == tokens[~guessed]).all()
    assert not guessed[tokens < len(SPECIAL)].any()
    shares = [
        float((hidden.tokens[guessed] == 4).float().mean()),
        float((hidden.tokens[guessed] == tokens[guessed]).float().mean()),
    ]
    assert shares == pytest.approx([0.8, 0.1], abs=0.04)
    assert torch.equal(hidden.mask, mask)


def test_at_least_one_word_is_guessed() -> None:
    tokens, mask = TokenTable(["a0 a1"], small_tokenizer(), 10).batch([0])
    hidden = hide(tokens, mask, small_tokenizer(), 1e-9, np.random.default_rng(3))
    assert int((hidden.labels != NOTHING).sum()) == 1


def test_too_few_texts() -> None:
    with pytest.raises(DataError, match="at least 10 texts; got 3"):
        pretrain(SentenceEncoder(small_bert()), small_tokenizer(), ["a0"] * 3, SETTINGS)
