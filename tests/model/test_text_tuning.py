"""Tuning: a planted taste is learned, from the seed alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from model.early_stopping import Schedule
from model.lora import LoraSettings
from model.text_encoder import SentenceEncoder
from model.text_pairs import Event, Pairs, draw, make_pairs, split
from model.text_tuning import TuneSettings, pair_loss, tune
from model.token_table import TokenTable, encode_all
from tests.model.small_text import WORDS, small_bert, small_tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = TuneSettings(
    batch=16,
    round_pairs=160,
    held_out_pairs=64,
    max_tokens=12,
    temperature=0.1,
    lora=LoraSettings(rank=8, alpha=32, dropout=0.0, top_layers=2),
    schedule=Schedule(rounds=4, patience=2, learning_rate=2e-2),
)


def planted(seed: int = 1) -> Pairs:
    """Users keep to a kind of item; a kind's items share words of two letters that look nothing alike."""
    rng = np.random.default_rng(seed)
    kinds = [WORDS[k * 10 : k * 10 + 10] for k in range(4)]
    texts = {f"i{k}": " ".join(rng.choice(kinds[k % 4], 4)) for k in range(80)}
    events = []
    for _ in range(600):
        user = int(rng.integers(40))
        events.append(Event(f"u{user}", f"i{user % 4 + 4 * int(rng.integers(20))}"))
    return make_pairs(events, texts, 2)


def test_a_planted_taste_is_learned() -> None:
    train, held_out = split(planted(), 500)
    tuned, losses = tune(SentenceEncoder(small_bert()), small_tokenizer(), train, held_out, SETTINGS)
    assert min(losses) < 0.8 * losses[0]
    vectors = encode_all(tuned, TokenTable(list(train.texts), small_tokenizer(), 12))
    cosines = vectors @ vectors.T
    same = np.arange(80)[:, None] % 4 == np.arange(80) % 4
    assert cosines[same].mean() > cosines[~same].mean() + 0.3


def test_the_same_seed_gives_the_same_weights() -> None:
    train, held_out = split(planted(), 500)
    settings = replace(SETTINGS, round_pairs=32, schedule=Schedule(rounds=1))

    def weights(seed: int) -> bytes:
        torch.rand(3)  # whatever else draws random numbers in between
        tuned, _ = tune(
            SentenceEncoder(small_bert()), small_tokenizer(), train, held_out, replace(settings, seed=seed)
        )
        return b"".join(each.detach().numpy().tobytes() for each in tuned.state_dict().values())

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_an_interrupt_comes_through() -> None:
    train, held_out = split(planted(), 500)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(SentenceEncoder(small_bert()), small_tokenizer(), train, held_out, SETTINGS, stop)


def test_loss_is_the_softmax_over_the_allowed_items() -> None:
    """Against a loop over pairs, without matrices."""
    pairs = planted()
    tokens = TokenTable(list(pairs.texts), small_tokenizer(), 12)
    encoder = SentenceEncoder(small_bert())
    batch = draw(pairs, range(20, 29), np.random.default_rng(3))
    offset = torch.linspace(-3.0, -1.0, 9)
    vectors = torch.from_numpy(encode_all(encoder, tokens))[torch.from_numpy(batch.texts)]
    expected = []
    for b in range(9):
        user = functional.normalize(
            sum((share * vectors[k] for k, share in enumerate(batch.history[b])), torch.zeros(32)), dim=0
        )
        scores = [
            float(user @ vectors[int(batch.target[c].argmax())]) / 0.1 - float(offset[c])
            for c in range(9)
            if batch.allowed[b, c]
        ]
        own = sum(bool(batch.allowed[b, c]) for c in range(b))
        expected.append(np.log(np.exp(scores).sum()) - scores[own])
    assert not batch.allowed.all()
    with torch.no_grad():
        found = pair_loss(encoder, tokens, batch, offset, SETTINGS)
    assert float(found) == pytest.approx(float(np.mean(expected)), rel=1e-4)
