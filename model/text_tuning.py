"""Tune a sentence encoder on the recommender's own objective: the text of the item that a user meets next.

The loss is a softmax over the items of a batch (in-batch sampled softmax with the correction for the
frequency of each item, Yi et al. 2019, doi 10.1145/3298689.3346996), on cosine / temperature. Only adapters
train (`model/lora.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from model.early_stopping import Report, Schedule, fit
from model.lora import LoraSettings, attach, merge
from model.text_encoder import SentenceEncoder
from model.text_pairs import PairBatch, Pairs, draw
from model.token_table import TokenTable


@dataclass(frozen=True)
class TuneSettings:
    """`round_pairs`: how many pairs each round draws. `correction`: weight of -log(item's share)."""

    temperature: float = 0.05
    correction: float = 1.0
    batch: int = 64
    round_pairs: int = 2_000
    held_out_pairs: int = 512
    max_tokens: int = 64
    seed: int = 7
    device: str = "cpu"
    lora: LoraSettings = field(default_factory=LoraSettings)
    schedule: Schedule = field(default_factory=Schedule)


def tune(
    encoder: SentenceEncoder,
    tokenizer: PreTrainedTokenizerBase,
    train: Pairs,
    held_out: Pairs,
    settings: TuneSettings,
    report: Report = lambda progress: None,
) -> tuple[SentenceEncoder, list[float]]:
    """The encoder with its adapters merged, and the held-out loss before and after each round.

    The training changes `encoder` itself. `train` and `held_out` number the same texts.
    """
    adapted = attach(encoder.transformer, settings.lora, settings.seed)
    tuned = SentenceEncoder(adapted).to(settings.device)
    tokens = TokenTable(train.texts, tokenizer, settings.max_tokens)
    rng = np.random.default_rng(settings.seed)
    share = _log_shares(train)

    def batches(pairs: Pairs, count: int) -> list[tuple[PairBatch, Tensor]]:
        order = rng.permutation(len(pairs.pairs))[:count]
        parts = [order[k : k + settings.batch].tolist() for k in range(0, len(order), settings.batch)]
        return [
            (draw(pairs, part, rng), torch.tensor([share(pairs.pairs[k].item) for k in part]))
            for part in parts
        ]

    def loss_of(batch: tuple[PairBatch, Tensor]) -> Tensor:
        return pair_loss(tuned, tokens, batch[0], settings.correction * batch[1], settings)

    losses = fit(
        tuned,
        loss_of,
        lambda _round: batches(train, settings.round_pairs),
        batches(held_out, settings.held_out_pairs),
        settings.schedule,
        report,
    )
    return SentenceEncoder(merge(adapted)).eval(), losses


def pair_loss(
    encoder: SentenceEncoder,
    tokens: TokenTable,
    batch: PairBatch,
    offset: Tensor,
    settings: TuneSettings,
) -> Tensor:
    """Cross entropy of each pair's item among the batch's items, whose logits are less by `offset` [B]."""
    device = settings.device
    rows, mask = tokens.batch(batch.texts.tolist())
    vectors = encoder(rows.to(device), mask.to(device))  # [U, D]
    with torch.autocast(vectors.device.type, enabled=False):  # differences of cosines need all their digits
        vectors = vectors.float()
        users = nn.functional.normalize(torch.from_numpy(batch.history).to(device) @ vectors, dim=1)
        items = nn.functional.normalize(torch.from_numpy(batch.target).to(device) @ vectors, dim=1)
        logits = users @ items.T / settings.temperature - offset.to(device)
        logits = logits.masked_fill(~torch.from_numpy(batch.allowed).to(device), -1e4)
        return nn.functional.cross_entropy(logits, torch.arange(len(logits), device=device))


def _log_shares(train: Pairs) -> Callable[[str], float]:
    """Item -> log of its share among the targets; an item without a target counts as one target."""
    counts = Counter(pair.item for pair in train.pairs)
    total = len(train.pairs)
    return lambda item: math.log(max(counts[item], 1) / total)
