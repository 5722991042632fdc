"""Domain pre-training: a text encoder reads reviews with words masked, and guesses them (arXiv 2004.10964).

The head is small, a projection onto the encoder's own table of tokens (BERT); the result does not keep it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from model.early_stopping import Report, Schedule, fit
from model.errors import DataError, ModelError
from model.lora import LoraSettings, attach, merge
from model.text_encoder import SentenceEncoder
from model.token_table import TokenTable

NOTHING = -100
"""The label of a token that the encoder does not guess."""


@dataclass(frozen=True)
class PretrainSettings:
    """`masked`: the share of tokens to guess. `validate`: the held-out, newest share of texts."""

    masked: float = 0.15
    validate: float = 0.1
    batch: int = 32
    round_texts: int = 2_000
    held_out_texts: int = 256
    max_tokens: int = 64
    seed: int = 7
    device: str = "cpu"
    lora: LoraSettings = field(default_factory=LoraSettings)
    schedule: Schedule = field(default_factory=lambda: Schedule(rounds=3))


class Masked(NamedTuple):
    """tokens, mask, labels int64 [N, T]; a label is `NOTHING` for a token that stays as it is."""

    tokens: Tensor
    mask: Tensor
    labels: Tensor


class MaskedHead(nn.Module):
    """hidden [M, D] -> logits [M, vocabulary]: one layer, then the (frozen) table of token vectors."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        table: nn.Embedding = transformer.get_input_embeddings()  # type: ignore[operator]  # transformers' own
        width = table.embedding_dim
        self.table = [table.weight]  # in a list: not a parameter of this module
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(table.num_embeddings))

    def forward(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.transform(hidden) @ self.table[0].T + self.bias
        return logits


def pretrain(
    encoder: SentenceEncoder,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    settings: PretrainSettings,
    report: Report = lambda progress: None,
) -> tuple[SentenceEncoder, list[float]]:
    """The encoder after masked language modelling on `texts` (oldest first), and the held-out losses.

    The training changes `encoder` itself. `DataError` if there are too few texts to hold some out.
    """
    cut = len(texts) - int(len(texts) * settings.validate)
    if not 0 < cut < len(texts):
        raise DataError(f"pre-training needs at least {int(1 / settings.validate)} texts; got {len(texts)}")
    if tokenizer.mask_token_id is None:
        raise ModelError("this encoder's tokenizer has no mask token, so it can't be pre-trained by masking")
    adapted = attach(encoder.transformer, settings.lora, settings.seed)
    both = nn.ModuleDict({"body": adapted, "head": MaskedHead(adapted)}).to(settings.device)
    table = TokenTable(texts, tokenizer, settings.max_tokens)
    rng = np.random.default_rng(settings.seed)

    def batches(begin: int, end: int, count: int) -> list[Masked]:
        order = (begin + rng.permutation(end - begin)[:count]).tolist()
        return [
            hide(*table.batch(order[k : k + settings.batch]), tokenizer, settings.masked, rng)
            for k in range(0, len(order), settings.batch)
        ]

    def loss_of(batch: Masked) -> Tensor:
        tokens, mask, labels = (each.to(settings.device) for each in batch)
        hidden = both["body"](input_ids=tokens, attention_mask=mask).last_hidden_state
        guessed = labels != NOTHING
        return nn.functional.cross_entropy(both["head"](hidden[guessed]), labels[guessed])

    losses = fit(
        both,
        loss_of,
        lambda _round: batches(0, cut, settings.round_texts),
        batches(cut, len(texts), settings.held_out_texts),
        settings.schedule,
        report,
    )
    return SentenceEncoder(merge(adapted)).eval(), losses


def hide(
    tokens: Tensor, mask: Tensor, tokenizer: PreTrainedTokenizerBase, share: float, rng: np.random.Generator
) -> Masked:
    """Choose `share` of the words (at least one a batch): 80% become the mask, 10% another token."""
    special = torch.isin(tokens, torch.tensor(sorted(tokenizer.all_special_ids)))
    words = (mask == 1) & ~special
    drawn = torch.from_numpy(rng.random(tuple(tokens.shape))).masked_fill(~words, 2.0)
    chosen = (drawn < share) | ((drawn == drawn.min()) & words)
    labels = torch.where(chosen, tokens, NOTHING)
    how = torch.from_numpy(rng.random(tuple(tokens.shape)))
    other = torch.from_numpy(rng.integers(0, len(tokenizer), tuple(tokens.shape)))
    shown = torch.where(
        how < 0.8, torch.tensor(tokenizer.mask_token_id), torch.where(how < 0.9, other, tokens)
    )
    return Masked(torch.where(chosen, shown, tokens), mask, labels)
