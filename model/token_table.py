"""Texts as tokens, cut and padded, for training in torch (`export/text.py` tokenizes for serving)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from model.errors import ModelError
from model.schema import F32
from model.surrogates import made_whole
from model.text_encoder import SentenceEncoder, folder_of

ENCODED_TOGETHER = 32


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a text encoder; `ModelError` if there is none."""
    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder_of(name))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"text encoder {name!r} has no readable tokenizer ({error}); "
            "name a folder with a tokenizer.json beside its weights"
        ) from None
    return found


class TokenTable:
    """The token ids of each text, at most `max_tokens` of them."""

    def __init__(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> None:
        self.rows: list[list[int]] = []
        if texts:
            whole = [made_whole(text) for text in texts]
            self.rows = tokenizer(whole, truncation=True, max_length=max_tokens)["input_ids"]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, chosen: Sequence[int]) -> tuple[Tensor, Tensor]:
        """tokens and mask, int64 [n, longest], of the texts numbered `chosen`."""
        rows = [self.rows[k] for k in chosen]
        tokens = torch.zeros((len(rows), max(map(len, rows))), dtype=torch.int64)
        mask = torch.zeros_like(tokens)
        for place, row in enumerate(rows):
            tokens[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        return tokens, mask


@torch.no_grad()
def encode_all(encoder: SentenceEncoder, table: TokenTable, device: str = "cpu") -> F32:
    """Vectors [n, D] of all texts of the table; the encoder reads texts of similar length together."""
    encoder.eval().to(device)
    order = sorted(range(len(table)), key=lambda k: len(table.rows[k]))
    parts = []
    for begin in range(0, len(order), ENCODED_TOGETHER):
        tokens, mask = table.batch(order[begin : begin + ENCODED_TOGETHER])
        parts.append(encoder(tokens.to(device), mask.to(device)).cpu().numpy())
    found: F32 = np.concatenate(parts)
    found[order] = found.copy()
    return found
