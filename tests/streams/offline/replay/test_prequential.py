"""Whole replays of a stream with a planted order, with and without a trained model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from model.actions import ActionName
from model.errors import DataError
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.experts.settings import ReweightingSettings
from streams.offline.replay.options import ReplayOptions, silent
from streams.offline.replay.prequential import marked, place_of, replay, shares_of
from streams.offline.replay.result import ReplayResult
from streams.offline.replay.summary import MODEL, summarise
from streams.settings.ranking import FeedSettings
from streams.settings.tree import Settings
from streams.state.action_meaning import BUILT_IN
from tests.streams.core import bare_draft, with_settings
from tests.streams.learning.experts.streams_of_choices import COLUMNS, clicks
from tests.streams.offline.planted import planted
from tests.streams.offline.planted_model import ONE_EPOCH, planted_model


def hit_rates(result: ReplayResult) -> dict[str, float]:
    """HR@10 by system over the ranked events."""
    predictions = result.predictions
    columns = {MODEL: predictions.rank, **predictions.baseline_ranks}
    return {
        name: float(((ranks > 0) & (ranks <= 10))[predictions.ranked].mean())
        for name, ranks in columns.items()
    }


@pytest.fixture(scope="module")
def counters_only(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReplayResult, bytes]:
    path = tmp_path_factory.mktemp("slates") / "slates.jsonl"
    result = replay(planted(), ReplayOptions(model="none", slates=path), Settings(), silent)
    return result, path.read_bytes()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReplayResult, bytes]:
    path = tmp_path_factory.mktemp("slates") / "slates.jsonl"
    options = ReplayOptions(slates=path, fp32=True)
    return replay(planted(), options, ONE_EPOCH, silent), path.read_bytes()


def test_the_planted_order_is_found_by_counters_alone(counters_only: tuple[ReplayResult, bytes]) -> None:
    result, _ = counters_only
    rates = hit_rates(result)
    assert rates[MODEL] > 1.3 * rates["popularity"]
    assert result.model == "counters"
    assert (result.events, result.warm_events, len(result.predictions)) == (900, 450, 450)


def test_the_planted_order_is_found_by_a_trained_model(trained: tuple[ReplayResult, bytes]) -> None:
    result, _ = trained
    rates = hit_rates(result)
    assert rates[MODEL] > 1.3 * rates["popularity"]
    assert result.model == "replay"
    assert "int8 against fp32" in result.notes[0]


def test_the_fp32_twin_ranks_nearly_the_same(trained: tuple[ReplayResult, bytes]) -> None:
    result, _ = trained
    rates = hit_rates(result)
    assert set(rates) == {MODEL, "popularity", "transitions", "fp32"}
    assert abs(rates["fp32"] - rates[MODEL]) < 0.1
    predictions = result.predictions
    assert ((predictions.baseline_ranks["fp32"] > 0) == (predictions.candidate_rank > 0)).all()


def again_and_again() -> Dataset:
    """Eight users go round six items, ten times: viewed each time, and bought in the end."""
    user, item, action = [], [], []
    for round_ in range(10):
        for who in range(8):
            for what in range(6):
                user.append(f"u{who}")
                item.append(f"i{what}")
                action.append("purchase" if round_ == 9 else "view")
    count = len(user)
    times = 1_700_000_000_000 + 1_000 * np.arange(count, dtype=np.int64)
    return Dataset(Interactions(user, item, times, np.full(count, np.nan, np.float32), action=action), {})


@pytest.mark.parametrize(
    ("repeat", "ranked"), [(False, 0), (("view",), 240), (("purchase",), 0), (True, 240)]
)
def test_events_are_ranked_where_their_items_may_come_back(
    repeat: bool | tuple[ActionName, ...], ranked: int
) -> None:
    """For the model and the baselines alike: whoever can't rank an item is not asked to."""
    settings = with_settings(feed=FeedSettings(repeat=repeat))
    predictions = replay(again_and_again(), ReplayOptions(model="none"), settings, silent).predictions
    assert int(predictions.ranked.sum()) == ranked
    assert (predictions.rank[predictions.ranked] > 0).all()
    for ranks in predictions.baseline_ranks.values():
        assert ((ranks > 0) == predictions.ranked).all()


def test_two_whole_runs_write_the_same_bytes(trained: tuple[ReplayResult, bytes], tmp_path: Path) -> None:
    """Warming, training, export and serving, all over again: trained apart, the model is the same, too."""
    path = tmp_path / "again.jsonl"
    result = replay(planted(), ReplayOptions(model=str(planted_model()), slates=path), ONE_EPOCH, silent)
    first, slates = trained
    assert path.read_bytes() == slates
    assert len(slates.splitlines()) == len(result.predictions)
    for name in ("rank", "candidate_rank", "predicted_rating", "user_history", "item_events"):
        assert getattr(result.predictions, name).tobytes() == getattr(first.predictions, name).tobytes()


def test_slates_that_are_offered_teach_and_change_nothing_else(
    trained: tuple[ReplayResult, bytes],
) -> None:
    """Where users are not judged by what they choose of it, which what is offered makes possible."""
    counters = msgspec.structs.replace(ONE_EPOCH.counters, choosy=False)
    base = msgspec.structs.replace(
        ONE_EPOCH, counters=counters, reweighting=ReweightingSettings(enabled=False)
    )
    adapted = msgspec.structs.replace(base, reweighting=ReweightingSettings(enabled=True, guard_alpha=0))
    ranks = {}
    for name, settings in (("frozen", base), ("adapted", adapted)):
        options = ReplayOptions(model=str(planted_model()), offered=10)
        result = replay(planted(), options, settings, silent)
        ranks[name] = result.predictions.rank.tolist()
        summary = summarise(planted(), options, result)
        assert summary["protocol"]["offered"] == 10
        assert "as if the first 10 places had been shown; lessons:" in result.notes[-1]
        assert " answered" in result.notes[-1]
    assert ranks["frozen"] == trained[0].predictions.rank.tolist()
    assert ranks["adapted"] != ranks["frozen"]


def test_what_detectors_marked_is_told_in_words() -> None:
    """River's dummy marks after 300 losses, whatever they are."""
    settings = ReweightingSettings(drift=("DummyDriftDetector",))
    learner = AdaptiveLearner(settings, COLUMNS, BUILT_IN)
    for each in clicks(np.random.default_rng(1), [0, 1, 0, 1, 0], 299):
        learner.learn(each)
    assert marked(None) == marked(learner.report()) == ()
    for each in clicks(np.random.default_rng(2), [0, 1, 0, 1, 0], 2):
        learner.learn(each)
    (note,) = marked(learner.report())
    assert note == (
        "changes of the loss that detectors marked, level global, by the lesson: DummyDriftDetector at 300"
    )


def test_the_summary_names_the_model_and_times_the_predicted_part(
    trained: tuple[ReplayResult, bytes],
) -> None:
    result, _ = trained
    summary = summarise(planted(), ReplayOptions(), result)
    assert summary["coverage@10"].keys() == {MODEL, "popularity", "transitions"}
    assert 0 < summary["coverage@10"][MODEL] <= 1
    assert set(summary["speed"]["stage_seconds"]) == {"predict", "compare", "learn", "write slates"}
    assert summary["speed"]["warm_seconds"] > 0


def test_click_probabilities_are_those_of_the_first_ten_of_each_ranked_event(
    trained: tuple[ReplayResult, bytes], counters_only: tuple[ReplayResult, bytes]
) -> None:
    result, _ = trained
    said, came = result.click_shares
    predictions = result.predictions
    # Places are by the sum of the tasks, these by clicks alone: an item near the tenth place may differ.
    first = ((predictions.rank > 0) & (predictions.rank <= 10))[predictions.ranked].sum()
    assert abs(came.sum() - first) <= 0.1 * first
    assert len(said) == 10 * predictions.ranked.sum()
    assert (said > 0).all()
    assert (said.reshape(-1, 10).sum(1) <= 1 + 1e-9).all()
    clicks = summarise(planted(), ReplayOptions(), result)["clicks"]
    assert clicks["places"] == len(said) == sum(part["events"] for part in clicks["calibration"])
    assert 0 <= clicks["calibration_error"] < 0.2
    assert len(counters_only[0].click_shares[0]) == 0


def test_shares_by_hand() -> None:
    draft = bare_draft(4, extra=1)
    draft.batch.rows[:] = [4, 7, 9, 2]
    draft.batch.click = np.log(np.array([1.0, 2.0, 1.0, 6.0], np.float32))  # the replay put row 2 there
    said, came = shares_of(draft, 7)
    assert (said.tolist(), came.tolist()) == (pytest.approx([0.5, 0.25, 0.25]), [1, 0, 0])
    said, came = shares_of(draft, 2)
    assert (said.tolist(), came.tolist()) == (pytest.approx([0.5, 0.25, 0.25]), [0, 0, 0])


def test_outcomes_agree_with_the_stream(counters_only: tuple[ReplayResult, bytes]) -> None:
    result, _ = counters_only
    events = planted().interactions
    predictions = result.predictions
    assert predictions.ts_ms.tolist() == events.ts_ms[450:].tolist()
    np.testing.assert_array_equal(predictions.rating, events.rating[450:])
    for k in (0, 100, 449):
        before = 450 + k
        assert predictions.user_history[k] == events.user[:before].count(events.user[before])
        assert predictions.item_events[k] == events.item[:before].count(events.item[before])
    announced = {f"i{item}" for item in range(0, 60, 2)}
    known = [item in announced or item in events.item[: 450 + k] for k, item in enumerate(events.item[450:])]
    assert predictions.ranked.tolist() == known  # nobody meets an item twice
    assert ((predictions.rank > 0) == (predictions.candidate_rank > 0)).all()
    assert np.isfinite(predictions.predicted_rating).all()


def test_a_limit_takes_the_first_events_alone(counters_only: tuple[ReplayResult, bytes]) -> None:
    short = replay(planted(), ReplayOptions(model="none", limit=200), Settings(), silent)
    assert (short.events, short.warm_events, len(short.predictions)) == (200, 100, 100)
    whole = planted()
    first = Dataset(whole.interactions.take(np.arange(200)), whole.items)
    again = replay(first, ReplayOptions(model="none"), Settings(), silent)
    assert again.predictions.rank.tolist() == short.predictions.rank.tolist()
    beyond = replay(planted(), ReplayOptions(model="none", limit=10_000), Settings(), silent)
    assert beyond.predictions.rank.tolist() == counters_only[0].predictions.rank.tolist()


def test_a_later_event_changes_no_earlier_prediction(counters_only: tuple[ReplayResult, bytes]) -> None:
    dataset = planted()
    events = dataset.interactions
    order = np.arange(900)
    order[[800, 801]] = [801, 800]
    swapped = events.take(order)
    assert (swapped.user[800], swapped.item[800]) != (events.user[800], events.item[800])
    columns = Interactions(swapped.user, swapped.item, events.ts_ms, swapped.rating)
    changed = Dataset(columns, dataset.items)
    result = replay(changed, ReplayOptions(model="none"), Settings(), silent)
    assert result.predictions.rank[:350].tolist() == counters_only[0].predictions.rank[:350].tolist()


def nothing() -> Dataset:
    return Dataset(Interactions([], [], np.empty(0, np.int64), np.empty(0, np.float32)))


@pytest.mark.parametrize("dataset", [nothing(), planted(1)], ids=["no events", "one event"])
def test_too_few_events_are_said(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="at least one must come on each side"):
        replay(dataset, ReplayOptions(model="none"), Settings(), silent)


def test_a_stream_without_an_example_to_train_on_is_said() -> None:
    """Every item is met for the first time: there is nothing to choose it from."""
    names = [f"{k}" for k in range(10)]
    events = Interactions(names, names, 1_000 * np.arange(10), np.full(10, np.nan, np.float32))
    with pytest.raises(DataError, match="at least one example"):
        replay(Dataset(events), ReplayOptions(), ONE_EPOCH, silent)


def test_the_place_of_an_item_is_on_the_slate_or_behind_it_by_score() -> None:
    draft = bare_draft(5, extra=1)
    draft.batch.rows[:] = [10, 11, 12, 13, 14]
    draft.batch.score[:] = [5, 4, 3, 2, 9]
    draft.batch.order = [np.array([0, 3])]  # a new item took the second place
    assert [place_of(draft, at) for at in range(4)] == [1, 3, 3, 2]
