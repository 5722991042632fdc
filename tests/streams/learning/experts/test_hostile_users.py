"""What a few hostile users can take from the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.experts.packing import unpacked
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.lesson import LessonAnswer
from streams.state.action_meaning import BUILT_IN
from tests.streams.learning.experts.scores import scored
from tests.streams.learning.experts.streams_of_choices import COLUMNS, DISLIKE, SHOWN_MS, did, lesson

USERS, LESSONS, PLACES = 2_000, 5_000, 10
LIKED, LATER = np.array([0.5, 1.0, 0.0, 1.0, -0.5]), np.array([-0.5, 0.3, 0.0, -1.5, 0.5])
F64 = NDArray[np.float64]
Hostile = Callable[[F64, F64, NDArray[np.int64]], Sequence[LessonAnswer]]


def last_place(features: F64, liked: F64, rows: NDArray[np.int64]) -> Sequence[LessonAnswer]:
    return [did(PLACES - 1)]


def all_places(features: F64, liked: F64, rows: NDArray[np.int64]) -> Sequence[LessonAnswer]:
    return [did(place, delay_ms=place) for place in range(PLACES)]


def dislikes_all(features: F64, liked: F64, rows: NDArray[np.int64]) -> Sequence[LessonAnswer]:
    return [did(place, DISLIKE, delay_ms=place) for place in range(PLACES)]


def one_item(features: F64, liked: F64, rows: NDArray[np.int64]) -> Sequence[LessonAnswer]:
    rows[7], features[7] = 5, [3, -2, 1, -3, 2]
    return [did(7)]


def what_others_like_least(features: F64, liked: F64, rows: NDArray[np.int64]) -> Sequence[LessonAnswer]:
    return [did(int(np.argmin(features @ liked)))]


def dislikes(features: F64, liked: F64, rows: NDArray[np.int64]) -> Sequence[LessonAnswer]:
    return [did(int(np.argmax(features @ liked)), DISLIKE)]


def gain_of_others(hostile: Hostile | None, share: float, drifts: bool) -> float:
    """1 / log2(1 + rank) of what the others want, in what is served, over the second half of a stream.
    `share` of the users are hostile, and send 50 slates where another user sends one. With `drifts`, all the
    others want something else from the half on; the first 500 slates after that do not count.
    """
    rng, theirs = np.random.default_rng(1), np.random.default_rng(2)
    learned, gains = AdaptiveLearner(ReweightingSettings(drift=()), COLUMNS, BUILT_IN), []
    seen = -0.5 * np.log(np.arange(1, PLACES + 1))
    for n in range(LESSONS):
        liked = LATER if drifts and n >= LESSONS // 2 else LIKED
        features, luck, shown_ms = slate(rng), rng.gumbel(size=PLACES), SHOWN_MS + 2_000 * n
        out = scored(learned, features)
        if n >= LESSONS // 2 + 500 * drifts:
            wanted = int(np.argmax(features @ liked + luck))
            gains.append(1 / np.log2(2 + np.count_nonzero(out > out[wanted])))
        clicked = did(int(np.argmax(features @ liked + luck + seen)))
        rows = rng.integers(0, 3_000, PLACES)
        learned.learn(lesson(features, [clicked], f"u{n % USERS}", rows=rows.tolist(), shown_ms=shown_ms))
        for _ in range(theirs.poisson(50 * share / (1 - share)) if hostile else 0):
            features, rows = slate(theirs), theirs.integers(0, 3_000, PLACES)
            answers = hostile(features, liked, rows) if hostile else ()
            user = f"h{theirs.integers(round(USERS * share))}"
            learned.learn(lesson(features, answers, user, rows=rows.tolist(), shown_ms=shown_ms))
    return float(np.mean(gains))


def slate(rng: np.random.Generator) -> F64:
    """Places in the frozen order."""
    features = rng.normal(size=(PLACES, len(COLUMNS)))
    return features[np.argsort(-features[:, COLUMNS.index("base")])]


@pytest.mark.parametrize("hostile", [all_places, dislikes_all])
def test_who_answers_every_place_alike_changes_nothing_that_was_learned(hostile: Hostile) -> None:
    learned = AdaptiveLearner(ReweightingSettings(), COLUMNS, BUILT_IN)
    rng = np.random.default_rng(1)
    for n in range(100):
        features, answers = slate(rng), [did(int(rng.integers(PLACES)))]
        learned.learn(lesson(features, answers, f"u{n}", shown_ms=SHOWN_MS + n))
    before = unpacked(learned.pack())
    for n in range(50):
        features, rows = slate(rng), np.arange(PLACES)
        learned.learn(
            lesson(features, hostile(features, LIKED, rows), f"h{n}", shown_ms=SHOWN_MS + 1_000 + n)
        )
    after = unpacked(learned.pack())
    assert after.levels == before.levels
    changed = {name for name, raw in after.arrays.items() if raw != before.arrays[name]}
    assert {name.partition(".")[0] for name in changed} == {"caps"}
    assert after.counts["all"] == 50 * PLACES


@pytest.fixture(scope="module")
def unharmed() -> dict[bool, float]:
    return {drifts: gain_of_others(None, 0.0, drifts) for drifts in (False, True)}


@pytest.mark.parametrize("drifts", [False, True])
@pytest.mark.parametrize("hostile", [last_place, all_places, one_item, what_others_like_least, dislikes])
def test_five_in_a_hundred_hostile_users_cost_the_others_little(
    hostile: Hostile, drifts: bool, unharmed: dict[bool, float]
) -> None:
    assert gain_of_others(hostile, 0.05, drifts) > 0.98 * unharmed[drifts]


def test_one_user_who_loops_costs_the_others_nothing(unharmed: dict[bool, float]) -> None:
    assert gain_of_others(what_others_like_least, 1 / USERS, False) > 0.998 * unharmed[False]
