"""The net of lists and the learner over it, along a stream of lists."""

from __future__ import annotations

import numpy as np
import pytest

from model.plan import ListPlan
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.lesson import Lesson
from streams.offline.replay.impressions.layered import Layered
from streams.offline.replay.impressions.listed_stream import ListedStream, ScoredList
from streams.offline.replay.impressions.live_systems import LAYERED, LIVE, LIVE_STOPPED, LiveSystems
from tests.streams.offline.replay.impressions.test_listed_stream import CLICKS, TWO, listed

PLAN = ListPlan(hidden=(8, 4), renew_every=1)


def heard(run: ListedStream) -> tuple[list[ScoredList], list[Lesson]]:
    """All lists and lessons of a stream."""
    lists: list[ScoredList] = []
    lessons: list[Lesson] = []
    run.judges, run.hears = lists.append, lessons.append
    while run.at < len(run.stream.interactions):
        run.learn()
    return lists, lessons


def test_what_the_net_said_is_the_base_of_the_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    run = listed(CLICKS, TWO)
    lists, lessons = heard(run)
    layered = Layered(ReweightingSettings(), run)
    base = run.columns.index("base")
    learned: list[Lesson] = []
    monkeypatch.setattr(layered.adapted.learner, "learn", learned.append)
    layered.take(lists[0].shown.slate_id, lists[0].rows, np.array([0.5, -1.0, 2.0]))
    for lesson in lessons:
        layered.hear(lesson)
    assert learned[0].features[:, base].tolist() == [0.5, -1.0, 2.0]
    others = np.delete(learned[0].features, base, axis=1)
    np.testing.assert_array_equal(others, np.delete(lessons[0].features, base, axis=1))
    assert learned[1] == lessons[1]


def test_before_anything_was_learned_the_order_is_the_nets() -> None:
    run = listed(CLICKS, TWO)
    lists, _ = heard(run)
    said = np.array([0.5, -1.0, 2.0])
    scores = Layered(ReweightingSettings(), run).scores(lists[0], said)
    assert np.argsort(scores).tolist() == np.argsort(said).tolist()
    assert lists[0].columns[:, run.columns.index("base")].tolist() == [0, 0, 0]


def test_a_list_is_ranked_by_what_was_closed_before_it() -> None:
    run = listed(CLICKS, TWO)
    live = LiveSystems(PLAN, ReweightingSettings(), run, seed=1)
    lists, lessons = heard(run)
    said = live.say(lists[0])
    assert said.features.shape == (3, len(live.reads))
    live.take(lists[0], said)
    assert said.scores.tolist() == live.say(lists[1]).scores.tolist() == [0, 0, 0]
    live.hear(lessons[0])
    live.begin()
    then = live.say(lists[1])
    assert then.scores.std() > 0
    scores = live.scores(lists[1], then)
    assert list(scores) == [LIVE_STOPPED, LIVE, LAYERED]
    assert scores[LIVE_STOPPED].tolist() == scores[LIVE].tolist() == then.scores.tolist()
    live.note(1)
    result = live.result(1)
    assert (result.learned, result.fitted, result.renewed) == (1, 2, 0)
    assert result.weights.weights.sum(1) == pytest.approx(np.ones(len(result.weights.lists)))


def test_the_net_reads_texts_and_each_column_once() -> None:
    live = LiveSystems(PLAN, ReweightingSettings(), listed(CLICKS, TWO), seed=1)
    assert {"base", "text_last", "entity_last", "list_price_rank", "from_touched_next"} <= set(live.reads)
    assert len(set(live.reads)) == len(live.reads)
