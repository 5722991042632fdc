"""The cross-encoder learns a planted preference, and its scores are those of each pair alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.baselines.cross_encoder import (
    Choice,
    CrossEncoder,
    CrossEncoderSettings,
    pair_tokens,
    teacher_scores,
    train_cross_encoder,
)
from model.early_stopping import Schedule
from model.lora import LoraSettings
from tests.model.small_text import WORDS, small_bert, small_folder, small_tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> CrossEncoderSettings:
    return CrossEncoderSettings(
        encoder=str(small_folder(tmp_path_factory.mktemp("encoders") / "small")),
        batch=16,
        max_tokens=12,
        lora=LoraSettings(rank=8, alpha=32, dropout=0.0, top_layers=2),
        schedule=Schedule(rounds=6, patience=3, learning_rate=5e-3),
    )


def choices(count: int, seed: int) -> list[Choice]:
    """Users who speak of a kind of thing meet that kind; the other three items are of other kinds."""
    rng = np.random.default_rng(seed)
    kinds = [WORDS[k * 10 : k * 10 + 10] for k in range(4)]

    def said(kind: int) -> str:
        return " ".join(rng.choice(kinds[kind], 3))

    found = []
    for _ in range(count):
        kind, *others = rng.permutation(4).tolist()
        found.append(Choice(said(kind), (said(kind), *map(said, others))))
    return found


@pytest.mark.parametrize("adapters", [True, False], ids=["adapters", "every weight"])
def test_a_planted_preference_is_learned(settings: CrossEncoderSettings, adapters: bool) -> None:
    chosen = (
        settings
        if adapters
        else replace(settings, lora=None, schedule=replace(settings.schedule, learning_rate=2e-3))
    )
    scorer, losses = train_cross_encoder(small_tokenizer(), choices(640, 1), choices(64, 2), chosen)
    assert losses[0] == pytest.approx(np.log(4), abs=0.3)
    assert min(losses) < 0.6 * losses[0]
    new = choices(100, 3)
    scores = teacher_scores(
        scorer, small_tokenizer(), [each.user for each in new], [each.items for each in new], 12
    )
    assert scores.shape == (100, 4)
    assert scores.dtype == np.float32
    assert (scores.argmax(1) == 0).mean() > 0.7
    assert not any("lora" in name for name in scorer.state_dict())


def test_a_score_is_that_of_the_pair_alone() -> None:
    torch.manual_seed(4)
    scorer = CrossEncoder(small_bert(), 32).eval()
    tokenizer = small_tokenizer()
    users, items = ["a0 a1", "b0 b1 b2 b3 b4 c0"], [["c1", "c2 c3 c4 d0"], ["d1 d2 d3 d4 e0 e1", "e2"]]
    found = teacher_scores(scorer, tokenizer, users, items, 10)
    for b, user in enumerate(users):
        for c, item in enumerate(items[b]):
            with torch.no_grad():
                alone = scorer(*pair_tokens(tokenizer, [user], [item], 10))
            assert found[b, c] == pytest.approx(float(alone), abs=1e-5)


def test_the_longer_text_is_cut_and_the_parts_are_told_apart() -> None:
    pairs = pair_tokens(small_tokenizer(), ["a0 a1 a2 a3 a4"], ["b0 b1"], 8)
    assert pairs.tokens.tolist() == [[2, 5, 6, 7, 3, 10, 11, 3]]
    assert pairs.types.tolist() == [[0, 0, 0, 0, 0, 1, 1, 1]]
    assert pairs.mask.tolist() == [[1] * 8]


def test_the_same_seed_gives_the_same_scores(settings: CrossEncoderSettings) -> None:
    short = replace(settings, schedule=Schedule(rounds=1))

    def scores(seed: int) -> bytes:
        torch.rand(3)  # whatever else draws random numbers in between
        scorer, _ = train_cross_encoder(
            small_tokenizer(), choices(32, 1), choices(16, 2), replace(short, seed=seed)
        )
        return teacher_scores(scorer, small_tokenizer(), ["a0"], [["a1", "b1"]], 12).tobytes()

    assert scores(1) == scores(1)
    assert scores(1) != scores(2)
