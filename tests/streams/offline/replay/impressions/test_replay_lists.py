"""Whole replays of lists with planted reasons, with and without a net."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from model.errors import DataError, SettingsError
from model.plan import TrainPlan
from model.slate_metrics import METRICS
from streams.commands.main import main
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.learning.experts.settings import ReweightingSettings
from streams.offline.replay.impressions.judge import ADAPTED, NET, STOPPED
from streams.offline.replay.impressions.list_report import write_list_report
from streams.offline.replay.impressions.list_summary import summarise_lists
from streams.offline.replay.impressions.list_tables import print_lists
from streams.offline.replay.impressions.live_systems import LAYERED, LIVE, LIVE_STOPPED
from streams.offline.replay.impressions.outcomes import ListsResult
from streams.offline.replay.impressions.replay_lists import parts_of, replay_lists
from streams.offline.replay.options import ReplayOptions, silent
from streams.settings.models import ModelSettings
from streams.settings.tree import Settings
from tests.streams.core import with_settings
from tests.streams.offline.replay.impressions.planted_lists import LAYOUTS, lists, planted_lists, written

NO_NET = ReplayOptions(model="none", impressions=True)
ONE_EPOCH = with_settings(model=ModelSettings(training=TrainPlan(epochs=1)))


def mrr(result: ListsResult) -> dict[str, float]:
    """Of each system."""
    at = METRICS.index("mrr")
    return {name: float(figures[:, at].mean()) for name, figures in result.outcomes.figures.items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ListsResult:
    return replay_lists(planted_lists(tmp_path_factory.mktemp("lists")), NO_NET, Settings(), silent)


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> ListsResult:
    options = ReplayOptions(model="none", impressions=True, plant_drift=True)
    return replay_lists(planted_lists(tmp_path_factory.mktemp("drift")), options, Settings(), silent)


def test_what_users_choose_by_is_learned(plain: ListsResult) -> None:
    """Place and price together say more than either."""
    found = mrr(plain)
    assert len(plain.outcomes) == 200
    assert found[ADAPTED] > found["as shown"] + 0.05
    assert found[ADAPTED] > max(found["popularity"], found["click-through"]) + 0.05
    assert NET not in found
    assert plain.lessons["answered"] > 300


def test_a_planted_drift_is_followed_by_what_learns(plain: ListsResult, drifted: ListsResult) -> None:
    before, after = mrr(plain), mrr(drifted)
    assert after["as shown"] < before["as shown"] - 0.2
    assert after[STOPPED] < before[STOPPED] - 0.08
    at = METRICS.index("mrr")
    late = {name: figures[100:, at].mean() for name, figures in drifted.outcomes.figures.items()}
    assert late[ADAPTED] > late[STOPPED] + 0.04
    # What does not look at places is the same, list by list.
    for name in ("popularity", "click-through"):
        auc = [result.outcomes.figures[name][:, 0] for result in (plain, drifted)]
        assert (auc[0] == auc[1]).all()


def test_a_net_of_lists_is_one_of_the_systems(plain: ListsResult, drifted: ListsResult) -> None:
    """It learns from what was passed over; over it the learner follows a drift sooner than it does alone."""
    found = mrr(plain)
    assert found[LIVE] > found["as shown"] + 0.05
    assert found[LAYERED] > found[ADAPTED] - 0.02
    assert plain.live is not None
    assert plain.live.learned > 300
    assert plain.live.fitted >= 1
    at = METRICS.index("mrr")
    late = {name: figures[100:, at].mean() for name, figures in drifted.outcomes.figures.items()}
    assert late[LAYERED] > late[LIVE_STOPPED] + 0.04
    assert drifted.live is not None
    assert drifted.live.weights.weights.sum(1) == pytest.approx(np.ones(len(drifted.live.weights.lists)))


def test_without_the_extra_there_is_no_net_of_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.offline.replay.impressions.replay_lists.can_learn", lambda: False)
    result = replay_lists(planted_lists(tmp_path, count=60), NO_NET, Settings(), silent)
    assert result.live is None
    assert LIVE not in result.outcomes.figures
    assert any("no net of lists" in note for note in result.notes)
    summary = summarise_lists(planted_lists(tmp_path, count=60), NO_NET, result)
    assert summary["list_net"] is summary["weights_over_list_net"] is None


def test_the_weights_of_the_experts_sum_to_one(drifted: ListsResult) -> None:
    weights = drifted.weights
    assert weights.experts[0] == "frozen"
    assert weights.weights.sum(1) == pytest.approx(np.ones(len(weights.lists)))
    assert weights.lists[-1] == len(drifted.outcomes)


def test_what_detectors_marked_is_in_the_report(
    plain: ListsResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """River's dummy marks after 300 losses, whatever they are; the figures are what they were."""
    dataset, dummy = planted_lists(tmp_path), ReweightingSettings(drift=("DummyDriftDetector",))
    result = replay_lists(dataset, NO_NET, with_settings(reweighting=dummy), silent)
    ((at, detector, lesson),) = result.weights.marks
    assert (detector, lesson) == ("DummyDriftDetector", 300)
    assert 0 < at < len(result.outcomes)
    assert plain.weights.marks == ()
    assert plain.weights.weights.tobytes() == result.weights.weights.tobytes()
    summary = summarise_lists(dataset, NO_NET, result)
    assert summary["marks"] == [{"lists": at, "detector": detector, "lesson": lesson}]
    write_list_report(tmp_path / "page.html", "lists", summary, result, dataset.bad)
    page = (tmp_path / "page.html").read_text()
    assert "detectors marked: DummyDriftDetector at lesson 300." in page
    assert '"text":"DummyDriftDetector"' in page
    print_lists(Console(width=200), summary, dataset.bad)
    assert "DummyDriftDetector at 300" in capsys.readouterr().out


def test_the_same_lists_give_the_same_figures_to_the_bit(plain: ListsResult, tmp_path: Path) -> None:
    again = replay_lists(planted_lists(tmp_path), NO_NET, Settings(), silent)
    for name, figures in plain.outcomes.figures.items():
        assert figures.tobytes() == again.outcomes.figures[name].tobytes(), name
    assert plain.weights.weights.tobytes() == again.weights.weights.tobytes()
    assert plain.lessons == again.lessons


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_replayed(tmp_path: Path, layout: str) -> None:
    """With the same figures for what does not depend on prices, which one of the layouts can't tell."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    of = [
        mrr(replay_lists(planted_lists(folder, name, count=120), NO_NET, Settings(), silent))
        for folder, name in ((one, layout), (other, LAYOUTS[0]))
    ]
    for name in ("as shown", "met in the session first"):
        assert of[0][name] == of[1][name]
    assert 0 < of[0][ADAPTED] <= 1


def test_nothing_of_a_list_is_known_before_it_is_ranked(tmp_path: Path) -> None:
    """Whatever is clicked on the last list, the figures of all lists before are the same, and so are the
    scores of the last one: its figures are those of another place.
    """
    rows = lists(count=120)
    results = []
    for name, clicked in (("one", rows[-1]["shown"][0]), ("other", rows[-1]["shown"][5])):
        rows[-1]["clicked"] = clicked
        path = tmp_path / name
        columns = written(path, LAYOUTS[0], rows)
        dataset = load_dataset(DatasetSpec(str(path), columns=columns))
        results.append(replay_lists(dataset, NO_NET, Settings(), silent).outcomes.figures)
    for name, figures in results[0].items():
        assert figures[:-1].tobytes() == results[1][name][:-1].tobytes(), name
    assert results[0]["as shown"][-1, 1] == 1.0
    assert results[1]["as shown"][-1, 1] == pytest.approx(1 / 6)


def test_a_net_learns_from_what_was_passed_over(tmp_path: Path) -> None:
    """Ranks lists better than chance, and is one of the systems; the adapted order begins with it."""
    dataset = planted_lists(tmp_path, count=300)
    result = replay_lists(dataset, ReplayOptions(impressions=True), ONE_EPOCH, silent)
    found = mrr(result)
    systems = [NET, STOPPED, ADAPTED, LIVE_STOPPED, LIVE, LAYERED]
    assert (result.net, list(found)[-6:]) == ("replay", systems)
    assert found[ADAPTED] > found[NET]
    assert result.began > 0
    summary = summarise_lists(dataset, ReplayOptions(impressions=True), result)
    assert summary["against"][NET][ADAPTED]["mrr"]["value"] == pytest.approx(found[ADAPTED] - found[NET])


def test_parts_are_counted_in_lists_with_a_click(tmp_path: Path) -> None:
    stream = planted_lists(tmp_path, count=100).interactions
    parts = parts_of(stream, NO_NET)
    assert (parts.begins, parts.second) == (5, 50)
    assert parts_of(stream, ReplayOptions(impressions=True)).begins == 35
    with pytest.raises(DataError, match=r"1 lists with a click can't be parted at 0\.5"):
        parts_of(stream.take(np.arange(1)), NO_NET)


def test_without_lists_it_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("user,ts,item\nu,1,a\nu,2,b\n")
    with pytest.raises(DataError, match="have no lists of what was shown"):
        replay_lists(load_dataset(DatasetSpec(str(path))), NO_NET, Settings(), silent)


@pytest.mark.parametrize(
    "options",
    [{"plant_drift": True}, {"impressions": True, "fp32": True}, {"impressions": True, "renew_every": 5}],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="--impressions"):
        ReplayOptions(**options)


def test_the_command_prints_and_writes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lists.csv"
    columns = written(path, LAYOUTS[0], lists(count=100))
    arguments = ["replay", "--impressions", "--plant-drift", "--model", "none", "--interactions", str(path)]
    arguments += ["--map", columns, "--json", str(tmp_path / "f.json"), "--report", str(tmp_path / "f.html")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Ranking within the shown list" in out
    assert "NDCG@10" in out
    tree = json.loads((tmp_path / "f.json").read_text())
    assert tree["protocol"]["planted_drift"]
    assert set(tree["ranking"]["adapted"]) == {"auc", "mrr", "ndcg@5", "ndcg@10"}
    assert sum(tree["weights"][name][-1] for name in tree["weights"] if name != "lists") == pytest.approx(1)
    page = (tmp_path / "f.html").read_text()
    assert "Weights of the experts" in page
    assert "Weights over the live net" in page
    assert "kalman:0.995" in page
