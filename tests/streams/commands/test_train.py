"""`headrace train` on a small file: what it leaves can be loaded, and an existing model is never replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.loaded import load_model
from model.checkpoint import load_checkpoint
from model.examples import load
from streams.commands.main import FAILED, main


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """Each user goes round the items in order: something to learn."""
    rng = np.random.default_rng(1)
    lines = ["user,item,ts,rating"]
    for k in range(900):
        user = int(rng.integers(30))
        lines.append(f"u{user},i{(user + k // 30) % 60},{1_700_000_000 + k * 60},{rng.integers(1, 6)}")
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines))
    return path


def test_leaves_a_model_a_checkpoint_and_examples(
    ratings: Path,
    tmp_path: Path,
    small_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And says that the encoder does not know the language of the items."""
    monkeypatch.setenv("HEADRACE_MODEL__TEXT_ENCODER", str(small_encoder))
    items = tmp_path / "items.csv"
    items.write_text("item,title\n" + "".join(f"i{n},运动鞋 男款 {n} 号\n" for n in range(60)))
    registry, kept = tmp_path / "models", tmp_path / "kept"
    words = ["train", "--interactions", str(ratings), "--items", str(items), "--registry", str(registry)]
    words += ["--name", "first", "--epochs", "1"]
    assert main([*words, "--keep", str(kept)]) == 0
    loaded = load_model(registry / "first")
    net, tasks, vocabulary = load_checkpoint(kept)
    assert loaded.manifest.model_schema == net.schema
    assert loaded.vocabulary == vocabulary
    assert tuple(tasks) == net.schema.tasks
    shards = load(kept / "examples.npz")
    widest = max(shard.candidates.shape[1] for shard in shards)
    learned = [shard for shard in shards if shard.candidates.shape[1] < widest]  # the others were held out
    assert sum(map(len, learned)) == loaded.manifest.training["examples"]
    share = loaded.manifest.training["unknown_tokens"]
    assert 0.2 < share < 1
    assert f"does not know {share:.0%} of the texts' tokens" in " ".join(capsys.readouterr().out.split())
    assert main(words) == FAILED


def test_refuses_a_name_that_is_no_name(ratings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--interactions", str(ratings), "--name", "../up"]) == FAILED
    assert "model name" in capsys.readouterr().err
