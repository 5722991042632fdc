"""Trials on a planted stream: the tuned encoder wins where there is a taste to learn, and only there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.early_stopping import Schedule
from model.errors import DataError
from model.evaluate import Estimate
from model.lora import LoraSettings
from model.text_pretraining import PretrainSettings
from model.text_tuning import TuneSettings
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText
from streams.offline.text_tuning.text_trials import Trial, TrialOptions, run_trials, winner
from tests.model.small_text import WORDS, small_folder


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def planted(users: int = 600, seed: int = 1) -> Dataset:
    """Users keep to one of four kinds of ten items; its words look nothing alike to an untuned encoder."""
    rng = np.random.default_rng(seed)
    kinds = [WORDS[k * 10 : k * 10 + 10] for k in range(4)]
    items = {f"i{k}": ItemText(title=" ".join(rng.choice(kinds[k % 4], 2))) for k in range(40)}
    met = [(user, user % 4 + 4 * int(k)) for user in range(users) for k in rng.permutation(10)[:4]]
    order = rng.permutation(len(met))
    stream = Interactions(
        [f"u{met[k][0]}" for k in order],
        [f"i{met[k][1]}" for k in order],
        np.arange(len(met)) * 1_000,
        np.full(len(met), np.nan, np.float32),
    )
    return Dataset(stream, items)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> TrialOptions:
    lora = LoraSettings(rank=8, alpha=32, dropout=0.0, top_layers=2)
    return TrialOptions(
        encoder=str(small_folder(tmp_path_factory.mktemp("encoders") / "small")),
        max_tokens=12,
        warm=0.9,
        pretrain=True,
        tuning=TuneSettings(
            batch=32, round_pairs=320, held_out_pairs=96, max_tokens=12, temperature=0.1, lora=lora,
            schedule=Schedule(rounds=6, patience=2, learning_rate=2e-2),
        ),
        pretraining=PretrainSettings(
            batch=32, round_texts=200, max_tokens=12, lora=lora, schedule=Schedule(rounds=1)
        ),
    )  # fmt: skip


def test_a_planted_taste_wins(options: TrialOptions, tmp_path: Path) -> None:
    said: list[str] = []
    trials = run_trials(planted(), options, tmp_path, lambda stage, done, total: said.append(stage))
    assert [each.name for each in trials] == ["untuned", "tuned", "pretrained", "both"]
    by_name = {each.name: each for each in trials}
    assert by_name["untuned"].gain.value == 0.0
    assert by_name["tuned"].int8.at_10.value > by_name["untuned"].int8.at_10.value
    best = winner(trials)
    assert best is not None
    assert best.folder is not None
    assert (best.folder / "model.safetensors").is_file()
    assert {"tuning, round 1", "pre-training, round 1", "judging untuned"} <= set(said)


def test_the_second_part_is_never_read(options: TrialOptions, tmp_path: Path) -> None:
    """Other events there, the same figures."""
    quick = replace(
        options,
        warm=0.5,
        pretrain=False,
        tuning=replace(options.tuning, round_pairs=32, schedule=Schedule(rounds=1)),
    )
    dataset = planted()
    stream = dataset.interactions
    half = len(stream) // 2
    other = replace(stream, item=[*stream.item[:half], *reversed(stream.item[half:])])
    one = run_trials(dataset, quick, tmp_path / "one", lambda *_: None)
    two = run_trials(replace(dataset, interactions=other), quick, tmp_path / "two", lambda *_: None)
    assert [each[2:] for each in one] == [each[2:] for each in two]


def trial(name: str, gain: float, error: float) -> Trial:
    nothing = Estimate(0.0, 0.0)
    recall = (nothing, nothing, nothing)
    return Trial(name, Path(name), [], recall, recall, 1.0, None, Estimate(gain, error))  # type: ignore[arg-type]


def test_a_gain_within_the_noise_is_no_win() -> None:
    assert winner([trial("untuned", 0.0, 0.0), trial("tuned", 0.019, 0.01)]) is None
    chosen = winner([trial("tuned", 0.03, 0.01), trial("pretrained", 0.02, 0.001), trial("both", 0.1, 0.06)])
    assert chosen is not None
    assert chosen.name == "tuned"


def test_a_stream_without_texts(options: TrialOptions, tmp_path: Path) -> None:
    dataset = replace(planted(), items={})
    with pytest.raises(DataError, match="0 pairs of texts"):
        run_trials(dataset, options, tmp_path, lambda *_: None)
