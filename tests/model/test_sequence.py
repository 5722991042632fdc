"""History encoders: who sees whom."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from model.plan import NetworkPlan
from model.sequence import ENCODERS, Layer

SIZE, LENGTH, WIDTH = 10, 7, 8
PLAN = NetworkPlan(width=WIDTH, heads=2, layers=2)
CAUSAL = ("sasrec", "ligr")


def encoder(name: str) -> nn.Module:
    torch.manual_seed(0)
    return ENCODERS[name](PLAN, SIZE, LENGTH).eval()


def history(seed: int = 1) -> Tensor:
    return torch.randn(2, LENGTH, SIZE, generator=torch.Generator().manual_seed(seed))


def run(name: str, given: Tensor, mask: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = encoder(name)(given, mask)
    return found


def test_without_an_encoder_items_stay_as_they_are() -> None:
    assert torch.equal(run("none", history(), torch.ones(2, LENGTH)), history())
    assert encoder("none").width == SIZE


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("place", range(LENGTH))
def test_an_item_changes_itself_and_newer_ones_alone(name: str, place: int) -> None:
    """Newest first: the older ones stand behind it."""
    mask, plain, changed = torch.ones(2, LENGTH), history(), history()
    changed[:, place] += 1.0
    before, after = run(name, plain, mask), run(name, changed, mask)
    assert before.shape == (2, LENGTH, WIDTH)
    assert torch.equal(after[:, place + 1 :], before[:, place + 1 :])
    for newer in range(place + 1):
        assert not torch.allclose(after[:, newer], before[:, newer], atol=1e-5), newer


@pytest.mark.parametrize("name", CAUSAL)
def test_what_stands_where_no_item_is_changes_nothing_and_is_nothing(name: str) -> None:
    mask = torch.ones(2, LENGTH)
    mask[0, 3:] = 0.0
    mask[1] = 0.0
    rubbish = torch.where(mask[..., None] > 0, history(), torch.tensor(77.0))
    plain = run(name, history(), mask)
    torch.testing.assert_close(run(name, rubbish, mask), plain)
    assert plain.isfinite().all()
    assert not plain[0, 3:].any()
    assert not plain[1].any()
    whole = run(name, history(), torch.ones(2, LENGTH))
    assert not torch.allclose(plain[0, :3], whole[0, :3], atol=1e-5)


@pytest.mark.parametrize("gated", [False, True])
def test_a_layer_is_attention_and_feed_forward_with_residuals(gated: bool) -> None:
    """Against torch's own scaled dot product attention."""
    torch.manual_seed(3)
    layer, x = Layer(PLAN, gated).eval(), torch.randn(1, 4, WIDTH)
    older = torch.ones(4, 4).triu()
    with torch.no_grad():
        found = layer(x, ((older - 1.0) * 1e4)[None])
        q, k, v = (
            part.reshape(1, 4, 2, WIDTH // 2).transpose(1, 2)
            for part in layer.qkv(layer.norm(x)).chunk(3, -1)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=older.bool())
        attended = layer.mixed(mixed.transpose(1, 2).reshape(1, 4, WIDTH))
        x = x + (layer.gate(x).sigmoid() * attended if gated else attended)
        inner = layer.inner(layer.norm_inner(x))
        if gated:
            left, right = inner.chunk(2, -1)
            fed = layer.outer(left * functional.silu(right))
            x = x + layer.gate_inner(x).sigmoid() * fed
        else:
            x = x + layer.outer(functional.gelu(inner))
    torch.testing.assert_close(found, x)


@pytest.mark.parametrize("name", CAUSAL)
def test_the_order_of_a_history_is_told(name: str) -> None:
    mask, plain = torch.ones(2, LENGTH), history()
    swapped = plain[:, [0, 2, 1, *range(3, LENGTH)]]
    assert not torch.allclose(run(name, swapped, mask)[:, 0], run(name, plain, mask)[:, 0], atol=1e-6)
