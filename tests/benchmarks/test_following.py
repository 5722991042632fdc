"""Feeds that follow a search against feeds that do not: what is predicted, and how it is compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec import json
from scipy.stats import sem

from benchmarks.following import Network, Outcome, by_age, figures, outcome_of, predicted, report, served
from benchmarks.searched_streams import Moment, SearchedStream
from model.schema import F32
from streams.offline.stream_driver import Prequential
from streams.offline.training.warming import prepare
from streams.settings.tree import Settings
from streams.state.event_meaning import vectors_of

MOMENTS = [
    Moment("u", "a", 1_000_000, query="strap"),
    Moment("u", "b", 1_060_000, alone=True),
    Moment("u", "b", 1_070_000, alone=True),  # met already
    Moment("v", "c", 1_080_000, alone=True, intent="bow"),
    Moment("u", "unheard", 1_090_000, alone=True),  # not in the catalogue
    Moment("u", "c", 1_100_000, query="bow"),
    Moment("u", "d", 5_100_000, alone=True),
]
TEXTS = {"a": "a strap", "b": "a strap too", "c": "a bow", "d": "a bow too"}


def encode(texts: Sequence[str]) -> F32:
    """A direction for each text."""
    found = [np.random.default_rng(len(text)).normal(size=64) for text in texts]
    return np.array([each / np.linalg.norm(each) for each in found], np.float32)


@pytest.fixture
def run() -> Prequential:
    stream = SearchedStream(MOMENTS, TEXTS)
    return prepare(stream.dataset(), Settings(), encode, lambda stage, done, total: None)


def test_what_came_from_no_search_of_its_own_is_predicted(run: Prequential) -> None:
    intents = {"bow": encode(["bow"])[0]}
    told = list(predicted(run, MOMENTS, intents, len(MOMENTS), lambda stage, done, total: None))
    assert [sorted(each.places) for each in told] == [
        ["followed", "plain"], ["intent", "plain"], ["followed", "plain"],
    ]  # fmt: skip
    assert [each.age_s for each in told] == [60.0, None, 4_000.0]


def test_a_way_reads_its_search_and_no_other(run: Prequential, monkeypatch: pytest.MonkeyPatch) -> None:
    core, asked = run.recommender, []
    draft = core.draft

    def noting(request):  # type: ignore[no-untyped-def]
        asked.append(None if request.search is None else request.search.vector)
        return draft(request)

    monkeypatch.setattr(core, "draft", noting)
    run.warm(1, None, 1, lambda done: None)
    own = vectors_of(run.event(0), run.stream.said).searched
    assert own is not None
    intent = encode(["any other"])[0]
    assert outcome_of(run, MOMENTS[1]._replace(intent="x"), {"x": intent}) is not None
    plain, followed, told = asked
    assert plain is None
    np.testing.assert_array_equal(followed, own.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(told, intent)


def test_figures_are_paired() -> None:
    told = figures([1, 3, 0, 12], [2, 3, 1, 0])
    gains = np.array([1, 0.5, 0, 0]) - np.array([1 / np.log2(3), 0.5, 1, 0])
    assert told["clicks"] == 4
    assert told["ndcg@10"]["difference"] == [
        pytest.approx(gains.mean(), abs=1e-4), pytest.approx(sem(gains), abs=1e-4),
    ]  # fmt: skip
    hits = np.array([0.0, 0, -1, 0])
    assert told["hr@10"]["difference"] == [-0.25, pytest.approx(sem(hits), abs=1e-4)]


def outcome(age_s: float | None, plain: int, followed: int) -> Outcome:
    return Outcome(age_s, {"plain": plain} | ({} if age_s is None else {"followed": followed}))


OUTCOMES = [outcome(60.0, 5, 1), outcome(59.0, 5, 2), outcome(61.0, 4, 9), outcome(62.0, 4, 8)]


def test_an_age_is_up_to_its_name() -> None:
    told = by_age([*OUTCOMES, outcome(None, 3, 0), outcome(9e9, 1, 1)])
    assert {name: its["clicks"] for name, its in told.items()} == {"1 min": 2, "5 min": 2}
    assert told["1 min"]["ndcg@10"]["difference"][0] > 0 > told["5 min"]["ndcg@10"]["difference"][0]


def test_feeds_follow_as_long_as_the_setting_says() -> None:
    network = Network(60.0, 7, [*OUTCOMES, outcome(None, 3, 0)])
    assert served(network, 60.0) == [1, 2, 4, 4, 3]
    assert served(network, 0.0) == [5, 5, 4, 4, 3]


def test_two_networks_of_one_seed_are_compared_as_served() -> None:
    never = Network(0.0, 7, [outcome(each.age_s, 6, 1) for each in OUTCOMES])
    networks = [never, Network(60.0, 7, OUTCOMES), Network(60.0, 8, OUTCOMES)]
    told = report(networks, follows_s=60.0)
    compared = told["follows-60-7"]["trained and served - neither"]
    assert compared["all"] == figures([1, 2, 4, 4], [6, 6, 6, 6])
    assert compared["soon after a search"] == figures([1, 2], [6, 6])
    assert told["follows-60-8"]["followed - plain"] == figures([1, 2], [5, 5])
    assert "trained and served - neither" not in told["follows-60-8"]


def test_outcomes_are_kept_as_they_were() -> None:
    kept = [*OUTCOMES, outcome(None, 3, 0)]
    assert json.decode(json.encode(kept), type=list[Outcome]) == kept
