"""The comparison counts what the pool missed as a miss for all, and its ONNX files say what torch says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.cross_encoder import arrays_of, export_cross_encoder, medians_ms, places
from benchmarks.text_walk import Ranked
from model.baselines.cross_encoder import Choice, CrossEncoder, pair_tokens
from tests.model.small_text import small_bert, small_tokenizer
from tests.streams.core import bare_draft

pytestmark = pytest.mark.usefixtures("one_thread")


def ranked(pool: int) -> Ranked:
    return Ranked(pool, pool, Choice("a0", ("a1", "a2", "a3")) if pool else None, bare_draft(3))


def test_places_by_hand() -> None:
    scores = [np.array([0.1, 0.9, 0.3], np.float32), np.array([0.5, 0.5, 0.2], np.float32)]
    # Second in the first pool, not in the second, first in the third (where another scores the same).
    assert places([ranked(2), ranked(0), ranked(1)], scores) == [1, 0, 2]


def test_onnx_says_what_torch_says(tmp_path: Path) -> None:
    torch.manual_seed(3)
    scorer = CrossEncoder(small_bert(), 32).eval()
    users, items = ["a0 a1", "b0", "c3 c4 d0"], ["c0 c1", "b1 b2", "d1"]
    pairs = pair_tokens(small_tokenizer(), users, items, 12)
    runners = export_cross_encoder(scorer, pairs, tmp_path)
    with torch.no_grad():
        expected = scorer(*pairs).numpy()
    np.testing.assert_allclose(runners["ONNX fp32"].run(arrays_of(pairs))[0], expected, atol=1e-4)
    np.testing.assert_allclose(runners["ONNX int8"].run(arrays_of(pairs))[0], expected, atol=0.1)
    alone = pair_tokens(small_tokenizer(), users[:1], items[:1], 12)
    np.testing.assert_allclose(runners["ONNX fp32"].run(arrays_of(alone))[0], expected[:1], atol=1e-4)


def test_ways_take_turns() -> None:
    calls: list[str] = []
    found = medians_ms({name: [lambda name=name: calls.append(name)] * 2 for name in ("a", "b")})  # type: ignore[misc]
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert all(spent >= 0 for spent in found.values())
