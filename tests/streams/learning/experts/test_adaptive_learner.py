from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import SettingsError, StoreError
from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.experts.level_state import GLOBAL
from streams.learning.experts.packing import packed, unpacked
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.kept_slates import NEVER
from streams.learning.lesson import Lesson
from streams.state.action_meaning import BUILT_IN
from tests.streams.learning.experts.scores import scored
from tests.streams.learning.experts.streams_of_choices import (
    CLICK,
    COLUMNS,
    DISLIKE,
    SHOWN_MS,
    SKIP,
    any_answers,
    clicks,
    did,
    lesson,
)

PLAIN = ReweightingSettings(eta=0.0, drift=(), guard_alpha=0)


def learner(settings: ReweightingSettings = PLAIN, columns: tuple[str, ...] = COLUMNS) -> AdaptiveLearner:
    return AdaptiveLearner(settings, columns, BUILT_IN)


@st.composite
def lessons(draw: st.DrawFn) -> list[Lesson]:
    """Any lessons: answers of all kinds, places that are not known, other columns, numbers at the edge."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = []
    for _ in range(draw(st.integers(2, 12))):
        places = int(rng.integers(1, 25))
        features = rng.normal(size=(places, len(COLUMNS))) * rng.choice([0.0, 1.0, 1e4])
        features[rng.random(places) < 0.1] = np.nan
        answers = any_answers(rng, places)
        columns = COLUMNS if rng.random() < 0.9 else tuple(reversed(COLUMNS))
        shown_ms = -1 if answers and rng.random() < 0.2 else SHOWN_MS + int(rng.integers(10**7))
        user, arm = f"u{rng.integers(3)}", str(rng.choice(["default", "a", "b"]))
        surface = str(rng.choice(["", "feed", "home"]))
        rows = rng.integers(0, 9, places).tolist()
        made.append(lesson(features, answers, user, arm, surface, rows, shown_ms, columns))
    return made


@settings(max_examples=40, deadline=None)
@given(stream=lessons(), data=st.data())
def test_packed_in_mid_stream_it_goes_on_to_the_same_bits(stream: list[Lesson], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(stream)))
    whole, first, second = learner(), learner(), learner()
    for each in stream:
        whole.learn(each)
    for each in stream[:at]:
        first.learn(each)
    second.restore(first.pack())
    assert second.pack() == first.pack()
    for each in stream[at:]:
        second.learn(each)
    assert second.pack() == whole.pack()
    assert dict(second.counts()) == dict(whole.counts())
    features = np.random.default_rng(0).normal(size=(20, len(COLUMNS)))
    assert scored(second, features).tobytes() == scored(whole, features).tobytes()


@settings(max_examples=40, deadline=None)
@given(stream=lessons())
def test_whatever_comes_scores_are_numbers(stream: list[Lesson]) -> None:
    learned = learner()
    for each in stream:
        learned.learn(each)
    features = 1e4 * np.random.default_rng(0).normal(size=(30, len(COLUMNS)))
    assert np.isfinite(scored(learned, features)).all()


def test_before_any_lesson_the_order_is_the_frozen_one() -> None:
    features = np.random.default_rng(0).normal(size=(200, len(COLUMNS)))
    out = scored(learner(), features)
    np.testing.assert_array_equal(np.argsort(-out), np.argsort(-features[:, 1].astype(np.float32)))
    np.testing.assert_allclose(out, features[:, 1], atol=1e-5)


def test_while_the_frozen_expert_has_all_weight_its_scores_are_the_frozen_ones() -> None:
    alone = learner(ReweightingSettings(experts=("frozen",)))
    for each in clicks(np.random.default_rng(1), [0, 0, 0, 2, 0], 20):
        alone.learn(each)
    features = np.random.default_rng(0).normal(size=(200, len(COLUMNS)))
    assert scored(alone, features).tobytes() == features[:, 1].astype(np.float32).tobytes()


def test_until_it_has_shown_itself_better_the_frozen_scores_are_served() -> None:
    """It learns from the first lesson on; what it learned is served once the guard is sure."""
    learned, rng = learner(ReweightingSettings(eta=0.0, drift=())), np.random.default_rng(1)
    features = rng.normal(size=(20, len(COLUMNS)))
    frozen = features[:, 1].astype(np.float32).tobytes()
    served = []
    for each in clicks(rng, [0, 0.3, 0, 1.0, 0], 400):
        learned.learn(each)
        served.append(scored(learned, features).tobytes())
    (since,) = learned.report().levels[GLOBAL].guard.switches
    assert 20 < since < 250
    assert served.index(next(each for each in served if each != frozen)) == since - 1


def test_what_is_clicked_rises() -> None:
    learned = learner()
    for each in clicks(np.random.default_rng(1), [0, 0, 0, 2, -1], 400):
        learned.learn(each)
    features = np.zeros((3, len(COLUMNS)))
    features[0, 3], features[2, 4] = 2.0, 2.0
    out = scored(learned, features)
    assert out[0] > out[1] > out[2]
    report = learned.report().levels[GLOBAL]
    assert report.lessons > 395  # some users share a place in the tables of the caps
    assert sum(report.weights.values()) == pytest.approx(1.0)
    assert report.losses["mixture"] < report.losses["frozen"]


def test_the_weight_moves_when_what_is_liked_turns_round_and_the_loss_is_marked() -> None:
    experts = ("frozen", "kalman:1", "kalman:0.9995", "kalman:0.995")
    learned = learner(ReweightingSettings(eta=0.0, guard_alpha=0, experts=experts))
    rng, forgetting, moved = np.random.default_rng(3), [], []
    follows = np.zeros((2, len(COLUMNS)), np.float32)
    follows[1, 3] = 1.0
    for likes, count in ((1.5, 2_500), (-1.5, 250), (1.5, 250)):
        for each in clicks(rng, [0, 1, 0, likes, 0.5], count):
            learned.learn(each)
        forgetting.append(learned.report().levels[GLOBAL].weights["kalman:0.995"])
        moved.append(float(np.diff(scored(learned, follows))[0]))
    assert forgetting[0] < 0.5
    assert forgetting[1] > 0.8
    assert moved[0] == pytest.approx(1.5, abs=0.2)
    assert moved[1] < -0.5
    assert moved[2] > 0.8
    marks = [mark.lesson for mark in learned.report().levels[GLOBAL].marks]
    assert any(2_500 < mark < 2_700 for mark in marks)


def test_where_the_frozen_order_is_right_nothing_is_lost() -> None:
    learned, rng = learner(), np.random.default_rng(4)
    ranks = []
    for n, each in enumerate(clicks(rng, [0, 1, 0, 0, 0], 1_500)):
        features, place = each.features.astype(np.float32), each.answers[0].place
        out = scored(learned, features)
        if n >= 300:
            ranks.append([np.count_nonzero(order > order[place]) for order in (out, features[:, 1])])
        learned.learn(each)
    gains = (1 / np.log2(2 + np.array(ranks))).mean(0)
    assert gains[0] > gains[1] - 0.004


def test_the_guard_gives_the_frozen_order_back_and_lets_go() -> None:
    """An expert that can't learn has the frozen order upside down and all weight."""
    stuck = ReweightingSettings(eta=0.0, drift=(), share=0, loss_max=1e-9, step_max=1e-9, trial=0)
    learned, rng = learner(stuck), np.random.default_rng(5)
    level = learned.levels.everyone
    level.experts.mean[1, 0], level.experts.log_weight[:] = -1.0, [-50, 0, -50]
    level.guard.follow(True)
    features = rng.normal(size=(10, len(COLUMNS))).astype(np.float32)
    assert (scored(learned, features).argsort() == features[:, 1].argsort()[::-1]).all()
    for each in clicks(rng, [0, 1, 0, 0, 0], 150):
        learned.learn(each)
    guard = learned.report().levels[GLOBAL].guard
    assert (guard.on, len(guard.switches)) == (False, 1)
    assert scored(learned, features).tobytes() == features[:, 1].tobytes()
    for each in clicks(rng, [0, -1, 0, 0, 0], 150):
        learned.learn(each)
    assert learned.report().levels[GLOBAL].guard.on
    assert (scored(learned, features).argsort() == features[:, 1].argsort()[::-1]).all()


def test_it_chooses_as_rivers_logistic_regression_does() -> None:
    """Both are taught the same stream, the one choices and the other places: of slates that are new to them,
    nine in ten have the same first place, and both know the clicked place equally often within .02.
    """
    logistic = ReweightingSettings(
        eta=0.0, drift=(), experts=("frozen", "river:linear_model.LogisticRegression"), guard_alpha=0
    )
    ours, rivers = learner(), learner(logistic)
    same, hits = [], []
    for n, each in enumerate(clicks(np.random.default_rng(1), [0.8, 0.5, 0, 1.2, -0.6], 3_000)):
        if n >= 1_500:
            features = each.features.astype(np.float32)
            first = [int(scored(learned, features).argmax()) for learned in (ours, rivers)]
            same.append(first[0] == first[1])
            hits.append([place == each.answers[0].place for place in first])
        ours.learn(each)
        rivers.learn(each)
    assert np.mean(same) > 0.88
    ours_hits, rivers_hits = np.mean(hits, 0)
    assert ours_hits == pytest.approx(rivers_hits, abs=0.02)
    again = learner(logistic)
    again.restore(rivers.pack())
    assert again.pack() == rivers.pack()


def test_who_dislikes_skips_and_comes_back_is_heard() -> None:
    """A user who skips and dislikes what follows the last item, then clicks it: later lessons weigh more."""
    learned = learner(
        ReweightingSettings(eta=0.0, drift=(), experts=("frozen", "kalman:0.98"), guard_alpha=0)
    )
    rng = np.random.default_rng(6)

    def follows(action: int, count: int) -> float:
        for n in range(count):
            features = rng.normal(size=(6, len(COLUMNS)))
            place = int(features[:, 3].argmax())
            shown_ms = SHOWN_MS + 1_000_000 * n
            learned.learn(
                lesson(features, [did(place, action)], f"u{rng.integers(10**9)}", shown_ms=shown_ms)
            )
        features = np.zeros((2, len(COLUMNS)), np.float32)
        features[1, 3] = 1
        out = scored(learned, features)
        return float(out[1] - out[0])

    skipped, disliked, back = follows(SKIP, 40), follows(DISLIKE, 40), follows(CLICK, 120)
    assert 0 > skipped > disliked
    assert back > 0


def test_an_answer_without_an_impression_teaches_a_choice_and_its_silence_nothing() -> None:
    learned, features = learner(), np.random.default_rng(7).normal(size=(5, len(COLUMNS)))
    learned.learn(lesson(features, [did(2)], shown_ms=-1))
    assert learned.report().levels[GLOBAL].lessons == 1
    assert learned.levels.everyone.experts.threshold[1].tolist() == [0.0, 4.0]
    learned.learn(lesson(features, [did(2)], shown_ms=SHOWN_MS))
    assert learned.levels.everyone.experts.threshold[1, 0] != 0.0


def test_what_was_answered_beyond_what_was_shown_teaches_nothing() -> None:
    """Ten places were shown, and users took what stood right behind them: the order is not wrong."""
    learned, rng = learner(ReweightingSettings(eta=0.0, drift=())), np.random.default_rng(9)
    for n in range(300):
        features = -np.sort(-rng.normal(size=(11, len(COLUMNS))), axis=0)
        learned.learn(lesson(features, [did(10)], f"u{n}", shown_ms=SHOWN_MS + 60_000 * n, named=10))
    assert learned.counts()["unnamed"] == 300
    level = learned.report().levels[GLOBAL]
    assert (level.lessons, level.guard.on) == (0, False)
    assert (learned.levels.everyone.experts.mean[:, 0] == 1).all()


def test_the_guard_goes_by_slates_that_an_impression_tells_of() -> None:
    """Of others it is known only that they were answered, and which they were is known by the answer."""
    for shown, on in ((True, True), (False, False)):
        learned, rng = learner(ReweightingSettings(eta=0.0, drift=())), np.random.default_rng(1)
        for each in clicks(rng, [0, 0.3, 0, 1.0, 0], 400):
            learned.learn(each if shown else msgspec.structs.replace(each, shown_ms=NEVER))
        assert learned.report().levels[GLOBAL].guard.on is on
        assert learned.report().levels[GLOBAL].lessons > 390


@pytest.mark.parametrize(("before", "now"), [(True, False), (False, True)])
def test_the_curve_is_that_of_the_settings_where_it_was_estimated_before(before: bool, now: bool) -> None:
    learned = learner(ReweightingSettings(drift=(), eta=0.5, harvest=before))
    for each in clicks(np.random.default_rng(1), [0, 0.3, 0, 1.0, 0], 50):
        learned.learn(each)
    again = learner(ReweightingSettings(drift=(), eta=0.0, harvest=now))
    again.restore(learned.pack())
    assert not again.examination.log_chance.any()
    assert again.report().levels[GLOBAL].lessons == learned.report().levels[GLOBAL].lessons
    twice = learner(again.settings)
    twice.restore(again.pack())
    assert twice.pack() == again.pack()


def test_what_is_packed_under_other_curves_begins_its_bets_anew() -> None:
    learned = learner(ReweightingSettings(drift=()))
    for each in clicks(np.random.default_rng(1), [0, 0.3, 0, 1.0, 0], 50):
        learned.learn(each)
    again = learner(ReweightingSettings(drift=(), doubts=()))
    again.restore(learned.pack())
    ours, others = (each.levels.everyone for each in (again, learned))
    assert ours.experts.mean.tobytes() == others.experts.mean.tobytes()
    assert ours.guard.held.shape == (2, others.guard.held.shape[1])
    assert ours.guard.evidence() == 0.0
    assert ours.guard.on == others.guard.on


def test_what_a_former_build_packed_of_a_guard_is_read() -> None:
    """It knew of no trials: its state had three numbers."""
    learned = learner(ReweightingSettings(drift=()))
    for each in clicks(np.random.default_rng(1), [0, 0.3, 0, 1.0, 0], 50):
        learned.learn(each)
    whole = unpacked(learned.pack())
    level = whole.levels[GLOBAL].arrays
    level["guard.state"], level["guard.held"] = level["guard.state"][:24], level["guard.held"][: 3 * 48]
    again = learner(ReweightingSettings(drift=()))
    again.restore(packed(whole))
    guard = again.levels.everyone.guard
    assert guard.state.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert again.report().levels[GLOBAL].lessons == learned.report().levels[GLOBAL].lessons


def tried(rng: np.random.Generator, place: int) -> Lesson:
    """A choice of that place; the adapted order brought those with odd numbers."""
    told = lesson(rng.normal(size=(5, len(COLUMNS))), [did(place)])
    return msgspec.structs.replace(told, trial=bytes([1, 2, 1, 2, 0]))


def test_a_trial_says_which_order_brings_what_is_chosen() -> None:
    learned, rng = learner(ReweightingSettings(drift=(), doubts=(), trial=0.1)), np.random.default_rng(4)
    assert learned.tries == 0.0, "nothing was learned that could be tried"
    for _ in range(60):
        learned.learn(tried(rng, 1))
    guard = learned.levels.everyone.guard
    assert guard.state[2] == 1.0, "it was let in"
    assert learned.tries == pytest.approx(0.1 / 3)
    for _ in range(60):
        learned.learn(tried(rng, 0))
    assert not guard.on


def test_one_users_lessons_are_bounded_and_the_rest_is_counted() -> None:
    learned, rng = learner(ReweightingSettings(drift=(), per_user_hour=5)), np.random.default_rng(8)
    for _ in range(8):
        learned.learn(lesson(rng.normal(size=(5, len(COLUMNS))), [did(1)]))
    assert (learned.counts()["answered"], learned.counts()["user_cap"]) == (8, 3)
    assert learned.report().levels[GLOBAL].lessons == 5


def test_requests_of_a_batch_are_scored_apart() -> None:
    learned, rng = learner(), np.random.default_rng(2)
    for each in clicks(rng, [0, 1, 0, 1, 0], 100):
        learned.learn(each)
    features = rng.normal(size=(30, len(COLUMNS)))
    together = np.zeros(30, np.float32)
    signals = np.ascontiguousarray(features[:, learned.reads], np.float32)
    learned.score(signals, np.array([0, 10, 10, 30]), np.array([10, 10, 30]), [Level()] * 3, together)
    apart = np.concatenate([scored(learned, features[:10]), scored(learned, features[10:])])
    assert together.tobytes() == apart.tobytes()


def test_what_teaches_nothing_is_counted() -> None:
    learned, features = learner(), np.zeros((3, len(COLUMNS)))
    learned.learn(lesson(features, [did(0)], columns=tuple(reversed(COLUMNS))))
    learned.learn(lesson(np.full((3, len(COLUMNS)), np.nan), [did(0)]))
    learned.learn(lesson(np.zeros((3, 0)), [did(0)]))
    counts = learned.counts()
    assert (counts["answered"], counts["other_columns"], counts["unknown_places"]) == (3, 2, 1)
    assert learned.report() == learner().report()


def test_its_state_of_other_experts_or_signals_begins_anew_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    learned = learner()
    for each in clicks(np.random.default_rng(1), [0, 0, 0, 2, 0], 20):
        learned.learn(each)
    other = learner(ReweightingSettings(experts=("frozen", "kalman:0.99")))
    other.restore(learned.pack())
    assert (other.counts()["answered"], other.counts()["begun_anew"]) == (20, 1)
    assert other.report().levels[GLOBAL].lessons == 0
    assert "now they are frozen, kalman:0.99, or" in caplog.text


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\x95\x01\x90"])
def test_what_is_no_learner_is_refused(raw: bytes) -> None:
    with pytest.raises(StoreError):
        learner().restore(raw)


def test_damage_is_refused() -> None:
    raw = learner().pack()
    for cut in range(0, len(raw), max(1, len(raw) // 50)):
        with pytest.raises(StoreError):
            learner().restore(raw[:cut])


def test_signals_that_are_not_there_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"names price; expected some of age, base"):
        learner(ReweightingSettings(signals=("price",)))
    with pytest.raises(SettingsError, match="'base'"):
        learner(columns=("age",))
