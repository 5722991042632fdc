"""`headrace examples`, and `headrace train` on what it leaves: no dataset is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.loaded import load_model
from model.checkpoint import load_checkpoint
from model.shards import ShardFiles, shard_folders
from streams.commands.main import FAILED, main
from streams.datasets.triples import read_graph
from streams.examples.folder import LEARN, WHOLE
from streams.settings.ranking import GraphSettings


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """Each user goes round the items in order: something to learn."""
    rng = np.random.default_rng(1)
    lines = ["user,item,ts,rating"]
    for k in range(700):
        user = int(rng.integers(30))
        lines.append(f"u{user},i{(user + k // 30) % 60},{1_700_000_000 + k * 60},{rng.integers(1, 6)}")
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines))
    return path


def test_shards_are_enough_to_train_and_a_training_goes_on(
    ratings: Path, tmp_path: Path, small_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_MODEL__TEXT_ENCODER", str(small_encoder))
    models, out, state = tmp_path / "models", tmp_path / "examples", tmp_path / "state"
    monkeypatch.setenv("HEADRACE_MODEL__TRAINING__SCOUT_FROM", "0")
    triples = tmp_path / "triples.csv"
    triples.write_text("\n".join(["head,relation,tail", *(f"i{k},made_by,maker {k % 7}" for k in range(60))]))
    build = ["examples", "--interactions", str(ratings), "--out", str(out), "--registry", str(models)]
    assert main([*build, "--segments", "3", "--graph", str(triples)]) == 0
    learn, whole = (ShardFiles(shard_folders(out / kind)) for kind in (LEARN, WHOLE))
    assert (len(learn), len(whole)) == (3, 1)
    assert sum(learn.lengths) > 200  # a user who meets an item again makes none
    ratings.unlink()

    words = ["train", "--examples", str(out), "--registry", str(models), "--epochs", "1"]
    keep = ["--keep", str(tmp_path / "first"), "--resume", str(state)]
    assert main([*words, "--name", "first", *keep]) == 0
    manifest = load_model(models / "first").manifest
    assert manifest.training["examples"] == sum(learn.lengths)
    assert len(manifest.training["validation_ndcg10"]) == 1
    assert manifest.text_encoder is not None
    assert manifest.retrieves
    graph = read_graph(GraphSettings(triples=str(triples)))
    assert graph is not None
    assert manifest.training["graph"] == graph.graph.digest()
    assert manifest.counters["half_lives_s"] != [3_600.0, 86_400.0, 604_800.0]  # they fit this stream's pace

    # A training that is done goes on to its end: nothing is left to learn.
    again = ["--keep", str(tmp_path / "second"), "--resume", str(state)]
    assert main([*words, "--name", "second", *again]) == 0
    assert load_model(models / "second").manifest.training["validation_ndcg10"] == []
    one, other = (load_checkpoint(tmp_path / name).net.state_dict() for name in ("first", "second"))
    assert all(each.equal(other[name]) for name, each in one.items())


def test_a_folder_with_something_in_it_is_refused(
    ratings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["examples", "--interactions", str(ratings), "--out", str(tmp_path)]) == FAILED
    assert "is not empty" in capsys.readouterr().err


def test_what_to_learn_from_is_one_thing(
    ratings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--name", "first", "--registry", str(tmp_path / "models")]
    assert main(words) == FAILED
    assert "pass --interactions, --examples, or --continue" in capsys.readouterr().err
    assert main([*words, "--interactions", str(ratings), "--examples", str(tmp_path)]) == FAILED
    assert "go without --interactions" in capsys.readouterr().err
    assert main([*words, "--examples", str(tmp_path)]) == FAILED
    assert "expected shards in learn/ and whole/; got 0 and 0" in capsys.readouterr().err
