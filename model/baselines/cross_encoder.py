"""The published practice: a BERT reads user and item together and scores how well they fit (arXiv
1901.04085).

    [CLS] the user's words [SEP] the item's words [SEP] -> score

It allows no computation beforehand, so a feed costs one transformer run a candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from model.early_stopping import Report, Schedule, fit
from model.lora import LoraSettings, attach, merge
from model.schema import F32
from model.text_encoder import BUNDLED, load_encoder

SCORED_TOGETHER = 32


@dataclass(frozen=True)
class CrossEncoderSettings:
    """`lora`: None tunes every weight. `max_tokens`: of both texts together. `batch`: users in a step."""

    encoder: str = BUNDLED
    batch: int = 8
    max_tokens: int = 96
    seed: int = 7
    device: str = "cpu"
    lora: LoraSettings | None = field(default_factory=lambda: LoraSettings(rank=16, alpha=32))
    schedule: Schedule = field(default_factory=lambda: Schedule(rounds=3))


class Choice(NamedTuple):
    """A user in words and K items in words: the one they met first, then others from the pool."""

    user: str
    items: tuple[str, ...]


class PairTokens(NamedTuple):
    """int64 [N, T] each; `types` is 0 in the user's part, 1 in the item's."""

    tokens: Tensor
    mask: Tensor
    types: Tensor


class CrossEncoder(nn.Module):
    """tokens, mask, types int64 [N, T] -> scores float32 [N], from the vector of [CLS]."""

    def __init__(self, transformer: nn.Module, width: int) -> None:
        super().__init__()
        self.transformer = transformer
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        hidden = self.transformer(input_ids=tokens, attention_mask=mask, token_type_ids=types)
        scores: Tensor = self.head(hidden.last_hidden_state[:, 0])[:, 0]
        return scores


def train_cross_encoder(
    tokenizer: PreTrainedTokenizerBase,
    train: Sequence[Choice],
    held_out: Sequence[Choice],
    settings: CrossEncoderSettings,
    report: Report = lambda progress: None,
) -> tuple[CrossEncoder, list[float]]:
    """Train with the softmax of the met item among each choice's K; returns the encoder (adapters merged) and
    the held-out losses.

    Every choice has the same K.
    """
    torch.manual_seed(settings.seed)
    bert = load_encoder(settings.encoder).transformer
    width = int(bert.config.hidden_size)  # type: ignore[union-attr, arg-type]  # transformers' own attribute
    adapted = bert if settings.lora is None else attach(bert, settings.lora, settings.seed)
    scorer = CrossEncoder(adapted, width).to(settings.device)
    rng = np.random.default_rng(settings.seed)

    def batches(choices: Sequence[Choice], order: Sequence[int]) -> list[list[Choice]]:
        size = settings.batch
        return [[choices[k] for k in order[at : at + size]] for at in range(0, len(order), size)]

    def loss_of(batch: list[Choice]) -> Tensor:
        users = [choice.user for choice in batch for _ in choice.items]
        items = [item for choice in batch for item in choice.items]
        pairs = pair_tokens(tokenizer, users, items, settings.max_tokens)
        scores = scorer(*(each.to(settings.device) for each in pairs)).reshape(len(batch), -1)
        return nn.functional.cross_entropy(scores, scores.new_zeros(len(batch), dtype=torch.int64))

    losses = fit(
        scorer,
        loss_of,
        lambda _round: batches(train, rng.permutation(len(train)).tolist()),
        batches(held_out, range(len(held_out))),
        settings.schedule,
        report,
    )
    if isinstance(adapted, PeftModel):
        scorer.transformer = merge(adapted)
    return scorer.eval(), losses


def pair_tokens(
    tokenizer: PreTrainedTokenizerBase, users: Sequence[str], items: Sequence[str], max_tokens: int
) -> PairTokens:
    """Both texts of each pair in one row; the tokenizer cuts the longer text first."""
    found = tokenizer(
        list(users),
        list(items),
        truncation="longest_first",
        max_length=max_tokens,
        padding=True,
        return_token_type_ids=True,
        return_tensors="pt",
    )
    return PairTokens(found["input_ids"], found["attention_mask"], found["token_type_ids"])


@torch.no_grad()
def teacher_scores(
    scorer: CrossEncoder,
    tokenizer: PreTrainedTokenizerBase,
    users: Sequence[str],
    candidates: Sequence[Sequence[str]],
    max_tokens: int,
) -> F32:
    """float32 [B, K]: the scores of K candidates in words for each of B users in words, as a soft target.

    The scores are logits; their softmax over K is the cross-encoder's belief.
    """
    scorer.eval()
    pairs = [(user, item) for user, items in zip(users, candidates, strict=True) for item in items]
    order = sorted(range(len(pairs)), key=lambda k: sum(map(len, pairs[k])))
    found = np.zeros(len(pairs), np.float32)
    for begin in range(0, len(order), SCORED_TOGETHER):
        chosen = order[begin : begin + SCORED_TOGETHER]
        some, items = [pairs[k][0] for k in chosen], [pairs[k][1] for k in chosen]
        tokens = pair_tokens(tokenizer, some, items, max_tokens)
        found[chosen] = scorer(*tokens).numpy()
    return found.reshape(len(users), -1)
