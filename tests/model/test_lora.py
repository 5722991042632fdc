"""Adapters: they alone are trained, and merging them changes no answer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model.errors import ModelError
from model.lora import LoraSettings, attach, merge
from model.text_encoder import SentenceEncoder
from tests.model.small_text import small_bert

pytestmark = pytest.mark.usefixtures("one_thread")

TOKENS = torch.tensor([[2, 9, 10, 11, 3], [2, 20, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def shaken(settings: LoraSettings) -> tuple[nn.Module, SentenceEncoder]:
    """Adapters that do something: they begin as zero."""
    adapted = attach(small_bert(), settings, seed=1)
    with torch.no_grad():
        for name, each in adapted.named_parameters():
            if "lora_B" in name:
                each.normal_(std=0.1, generator=torch.Generator().manual_seed(2))
    return adapted, SentenceEncoder(adapted)


def test_gradients_reach_adapters_of_the_top_layers_alone() -> None:
    adapted, encoder = shaken(LoraSettings(top_layers=1))
    encoder(TOKENS, MASK).sum().backward()
    moved = {name for name, each in adapted.named_parameters() if each.grad is not None}
    assert moved
    assert all("lora_" in name and ".layer.1." in name for name in moved)
    assert moved == {name for name, each in adapted.named_parameters() if each.requires_grad}
    assert {name.split(".layer.1.")[1].split(".lora_")[0] for name in moved} == {
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    }


def test_merged_gives_what_the_adapters_gave() -> None:
    adapted, encoder = shaken(LoraSettings(top_layers=2))
    plain = SentenceEncoder(small_bert())
    encoder.eval()
    with torch.no_grad():
        before = encoder(TOKENS, MASK)
        assert not torch.allclose(before, plain(TOKENS, MASK), atol=1e-3)
        merged = merge(adapted)  # type: ignore[arg-type]
        torch.testing.assert_close(SentenceEncoder(merged)(TOKENS, MASK), before, atol=1e-5, rtol=1e-5)
    assert [*merged.state_dict()] == [*small_bert().state_dict()]


def test_a_module_without_layers_is_refused() -> None:
    with pytest.raises(ModelError, match="no numbered layers"):
        attach(nn.Linear(3, 3), LoraSettings(), seed=1)
