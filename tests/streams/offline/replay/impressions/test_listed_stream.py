"""Lists are scored by the core that serves, and become lessons by the way that answers take in a worker."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from streams.datasets.impressions import Shown
from streams.datasets.interactions import Interactions
from streams.learning.lesson import Lesson
from streams.learning.settings import LearningSettings
from streams.offline.replay.impressions.listed_stream import ListedStream, ScoredList
from streams.offline.stream_driver import Stream
from streams.recommender import Recommender
from streams.settings.tree import Settings
from tests.streams.core import START_MS, toy_model

MINUTE_MS = 60_000
QUICK = msgspec.structs.replace(Settings(), learning=LearningSettings(wait_s=60.0))


def listed(
    clicks: Sequence[tuple[str, str, int, str]], shown: Sequence[Shown], sweeps: bool = True
) -> ListedStream:
    """(user, item, minute, slate); the lists stand before the first click that is not earlier."""
    times = np.array([START_MS + MINUTE_MS * minute for _, _, minute, _ in clicks], np.int64)
    before: list[list[Shown]] = [[] for _ in clicks]
    for each in shown:
        before[int(np.searchsorted(times, each.ts_ms))].append(each)
    stream = Interactions(
        [user for user, *_ in clicks],
        [item for _, item, *_ in clicks],
        times,
        np.full(len(clicks), np.nan, np.float32),
        action=["click"] * len(clicks),
        slate=[slate for *_, slate in clicks],
        shown=[tuple(each) for each in before],
        shown_fields=("price",),
    )
    return ListedStream(Recommender(QUICK), Stream(stream, {}, {}), sweeps=sweeps)


def a_list(number: int, user: str, minute: int, items: str) -> Shown:
    prices = tuple((10.0 * (place + 1),) for place in range(len(items)))
    return Shown(number, user, f"s{number}", START_MS + MINUTE_MS * minute, tuple(items), prices)


TWO = [a_list(0, "u", 0, "abc"), a_list(1, "v", 1, "cad")]
CLICKS = [("u", "b", 0, "s0"), ("v", "d", 1, "s1"), ("w", "a", 9, "")]


def driven(run: ListedStream) -> tuple[list[ScoredList], list[Lesson]]:
    scored: list[ScoredList] = []
    lessons: list[Lesson] = []
    run.judges, run.hears = scored.append, lessons.append
    while run.at < len(run.stream.interactions):
        run.learn()
    return scored, lessons


def test_a_lesson_has_what_was_scored_and_what_was_answered() -> None:
    run = listed(CLICKS, TWO)
    scored, lessons = driven(run)
    assert [each.shown.slate_id for each in scored] == ["s0", "s1"]
    assert [lesson.slate_id for lesson in lessons] == ["s0", "s1"]
    for each, lesson, place in zip(scored, lessons, (1, 2), strict=True):
        assert lesson.rows.tolist() == each.rows.tolist()
        assert lesson.names == run.names
        assert lesson.features.shape == (3, len(run.columns))
        assert lesson.features.tobytes() == each.columns.astype(np.float16).tobytes()
        assert [(answer.place, answer.delay_ms) for answer in lesson.answers] == [(place, 0)]
        assert lesson.shown_ms == each.shown.ts_ms


def test_without_a_sweep_lessons_come_as_in_a_worker_with_the_users_next_event() -> None:
    _, lessons = driven(listed(CLICKS, TWO, sweeps=False))
    assert lessons == []
    back = [*CLICKS, ("u", "c", 12, "")]
    _, lessons = driven(listed(back, TWO, sweeps=False))
    assert [lesson.slate_id for lesson in lessons] == ["s0"]


def test_what_a_sweep_closes_tells_of_the_user_as_what_their_next_event_closes() -> None:
    back = [*CLICKS, ("u", "c", 12, "")]
    swept, waited = listed(back, TWO), listed(back, TWO, sweeps=False)
    for run in (swept, waited):
        driven(run)
    for part in ("seen", "chosen", "placed"):
        assert getattr(swept.slates["u"], part) == getattr(waited.slates["u"], part)
    assert swept.slates["u"].seen > 0


def test_a_list_is_scored_as_the_core_scores_these_items() -> None:
    """With a model: by its score, its heads and the live features of each item."""
    run = listed(CLICKS, TWO)
    core = run.recommender
    core.meet(list("abcd"), START_MS)
    core.serve(toy_model(core.pipeline))
    run.learn()  # u has met b
    scored = run.scored(a_list(7, "u", 5, "dbca"))
    request = core.request(
        run.state("u"), scored.shown.ts_ms, user="u", score_also=tuple(scored.rows.tolist()), complete=False
    )
    draft = core.draft(request)
    # What a source has found has its ranks in the pool, which comes first.
    score = dict(reversed(list(zip(draft.rows.tolist(), draft.score.tolist(), strict=True))))
    assert scored.base.tolist() == [score[row] for row in scored.rows.tolist()]
    column = {name: scored.columns[:, at] for at, name in enumerate(run.columns)}
    assert column["base"].tolist() == scored.base.tolist()
    assert column["popular_ever"].tolist() == pytest.approx([0, np.log(2), 0, 0])
    assert column["met_in_session"].tolist() == [0, 1, 0, 0]
    assert column["list_price_rank"].tolist() == pytest.approx([-0.5, -1 / 6, 1 / 6, 0.5])
    assert column["list_price_near_met"].tolist() == pytest.approx([-np.log(2), 0, -np.log(1.5), -np.log(2)])


def test_without_a_model_the_base_says_nothing() -> None:
    scored, _ = driven(listed(CLICKS, TWO))
    assert all((each.base == 0).all() for each in scored)


def test_lists_that_nobody_judges_are_shown_all_the_same() -> None:
    run = listed(CLICKS, TWO)
    while run.at < 3:
        run.learn()
    core = run.recommender
    assert core.counters.popularity.shown[core.catalog.rows["a"]] == 2
    assert core.counters.popularity.shown[core.catalog.rows["d"]] == 1
