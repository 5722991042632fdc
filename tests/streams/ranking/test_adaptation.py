"""What was learned moves the scores of requests that ask for it, and of no others."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.kept_slates import Answer, KeptSlate
from streams.learning.lesson import Lesson, LessonAnswer, decode_lesson, encode_lesson, lesson_of
from streams.learning.looks import digest_of_names
from streams.ranking.leave_one_out import drops, without
from streams.recommender import Recommender
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.user_state import UserState
from tests.streams.core import Small, toy_model

replace_slate = msgspec.structs.replace

ON = override(Settings(), {"reweighting": {"enabled": True, "guard_alpha": 0}})  # adapts at once
ARMS = override(ON, {"arms": {"plain": {"stages": {"reweighting": {"enabled": False}}}}})


def lessons(core: Recommender, count: int, seed: int = 0) -> list[Lesson]:
    """Slates of six places, of which the one is clicked that is met most of all."""
    draw, columns = np.random.default_rng(seed), core.columns
    popular, made = columns.index("popular_ever"), []
    for n in range(count):
        features = draw.normal(size=(6, len(columns))).astype(np.float16)
        place = int(features[:, popular].argmax())
        made.append(
            Lesson(
                *(
                    1,
                    f"u{n % 9}",
                    f"s{n}",
                    "default",
                    "toy",
                    "feed",
                    1_000 * n,
                    np.arange(6, dtype="<i4").tobytes(),
                ),
                *(features.tobytes(), digest_of_names(columns), b"", (LessonAnswer(place, 1, np.nan, 5),)),
            )
        )
    return made


def world(settings: Settings = ON, taught: int = 80) -> Small:
    small = Small(40, settings)
    small.core.serve(toy_model(small.core.pipeline, ("popular_ever", "idle")))
    small.random_events(150, users=6, seed=3)
    small.core.learn(lessons(small.core, taught))
    return small


def test_a_request_is_adapted_where_its_arm_says_so() -> None:
    small = world(ARMS)
    users = ["u0", "u1", "u2", "u3"]
    arms = ["default", "plain", "plain", "default"]
    together = small.core.pipeline.execute(
        [small.request(user, arm=arm) for user, arm in zip(users, arms, strict=True)]
    )
    assert together.adapted.tolist() == [True, False, False, True]
    for b, (user, arm) in enumerate(zip(users, arms, strict=True)):
        alone = small.draft(user, arm=arm)
        np.testing.assert_array_equal(alone.score, together.draft(b).score)
        base = together.heads[0, together.part(b)]
        assert np.array_equal(base, alone.score) == (arm == "plain")


def test_what_the_learner_says_is_the_score() -> None:
    """Compared with the learner asked by hand, for each request alone and from the names of its columns."""
    small = world()
    core = small.core
    assert isinstance(core.learner, AdaptiveLearner)
    batch = core.pipeline.execute([small.request(f"u{n}", score_also=(n, 30)) for n in range(3)])
    for b in range(3):
        draft = batch.draft(b)
        columns = {name: draft.features[:, at] for at, name in enumerate(core.columns[:-4])}
        like = np.zeros(len(draft.rows))
        heads = [batch.heads[0, batch.part(b)], draft.click, draft.rating - 3.0, like]
        columns |= dict(zip(core.columns[-4:], heads, strict=True))
        read = [core.columns[at] for at in core.learner.reads.tolist()]
        signals = np.stack([columns[name] for name in read], axis=1).astype(np.float32)
        expected = np.empty(len(signals), np.float32)
        ends = np.array([draft.placed])
        offsets = np.array([0, len(signals)])
        core.learner.score(signals, offsets, ends, [Level("default", "feed")], expected)
        np.testing.assert_allclose(draft.score, expected, rtol=1e-5)


def test_a_slate_is_learned_from_and_served_by_the_segment_of_its_user() -> None:
    small = world(override(ON, {"reweighting": {"segment_by": ["country"]}}), taught=0)
    core, learner = small.core, small.core.learner
    assert isinstance(learner, AdaptiveLearner)
    states = {f"c{n}": UserState(profile={"country": name}) for n, name in enumerate(["DE", "FR"])}
    looks: list[KeptSlate] = []
    core.recommend([core.request(state, small.now_ms, user=user) for user, state in states.items()], looks)
    assert [each.segment for each in looks] == ["country=DE", "country=FR"]
    taught = [
        lesson_of(user, msgspec.structs.replace(each, answers=(Answer(each.rows[0], 1, np.nan, each.ts),)))
        for user, each in zip(states, looks, strict=True)
    ]
    core.learn([decode_lesson(encode_lesson(each)) for each in taught])
    assert set(learner.report().levels) == {"global", "segment:country=FR"}  # levels begin with the second
    batch = core.pipeline.execute([core.request(states["c1"], small.now_ms)])
    draft = batch.draft(0)
    columns = np.vstack([draft.features.T, batch.heads[:, batch.part(0)]])
    signals = np.ascontiguousarray(columns[learner.reads].T, np.float32)
    expected = np.empty(len(signals), np.float32)
    ends = np.array([draft.placed])
    learner.score(signals, np.array([0, len(signals)]), ends, [Level("default", "country=FR")], expected)
    np.testing.assert_allclose(draft.score, expected, rtol=1e-5)


def test_what_is_scored_besides_moves_no_other_score() -> None:
    """Replay asks for the item that was met; the slate must be the one that is served."""
    small = world()
    plain, asked = small.draft("u0"), small.draft("u0", score_also=(3, 7, 11))
    np.testing.assert_array_equal(plain.score, asked.score[: asked.placed])
    np.testing.assert_array_equal(plain.order, asked.order)


def test_a_candidate_that_is_scored_besides_has_the_score_that_it_has_among_them() -> None:
    learner = world().core.learner
    assert isinstance(learner, AdaptiveLearner)
    signals = np.random.default_rng(5).normal(size=(12, len(learner.reads))).astype(np.float32)
    signals[[9, 10, 11]] = signals[[2, 6, 0]]
    among, alone = np.empty(12, np.float32), np.empty(9, np.float32)
    learner.score(signals, np.array([0, 12]), np.array([9]), [Level()], among)
    learner.score(signals[:9], np.array([0, 9]), np.array([9]), [Level()], alone)
    np.testing.assert_array_equal(among[:9], alone)
    np.testing.assert_array_equal(among[9:], alone[[2, 6, 0]])


@pytest.mark.parametrize(
    "asked", [{"plan": {"reweighting": {"enabled": False}}}, {"plan": {"rescoring": {"enabled": False}}}]
)
def test_stage_settings_of_one_request_switch_it_off(asked: dict[str, dict[str, dict[str, bool]]]) -> None:
    small = world()
    draft = small.draft("u0", plan=small.core.plan(asked["plan"]))
    assert not draft.adapted
    np.testing.assert_array_equal(draft.score, draft.batch.heads[0])


def test_without_a_model_nothing_is_adapted() -> None:
    small = world()
    small.core.serve(None)
    draft = small.draft("u0")
    assert not draft.adapted
    np.testing.assert_array_equal(draft.score, np.arange(0, -len(draft.rows), -1))


def test_slates_are_byte_for_byte_as_before_until_something_is_learned() -> None:
    """And where no arm adapts, whatever lessons come."""
    off = override(Settings(), {"reweighting": {"enabled": False}})
    slates = []
    for small in (world(taught=0), world(off), world(off, taught=0)):
        drafts = [small.draft(f"u{n}", cause=str(n)) for n in range(6)]
        slates.append([msgspec.json.encode(small.core.slate(draft)) for draft in drafts])
    assert slates[0] == slates[1] == slates[2]


def test_slates_are_byte_for_byte_as_before_until_adaptation_has_shown_itself_better() -> None:
    guarded = override(ON, {"reweighting": {"guard_alpha": 0.01}})
    slates = []
    for taught in (0, 4, 600):
        small = world(guarded, taught)
        drafts = [small.draft(f"u{n}", cause=str(n)) for n in range(6)]
        assert [draft.adapted for draft in drafts] == [taught == 600] * 6
        slates.append([msgspec.json.encode(small.core.slate(draft)) for draft in drafts])
    assert slates[0] == slates[1] != slates[2]


def test_an_adapted_slate_has_an_id_of_its_own() -> None:
    small = world(ARMS)
    before = world(ARMS, taught=0)
    assert small.core.slate(small.draft("u0")).slate_id != before.core.slate(before.draft("u0")).slate_id
    ids = [core.core.slate(core.draft("u0", arm="plain")).slate_id for core in (small, before)]
    assert ids[0] == ids[1]


def test_looks_hold_the_heads_that_the_score_was_made_of() -> None:
    small = world()
    kept: list[KeptSlate] = []
    requests = [small.request(f"u{n}") for n in range(3)]
    small.core.recommend(requests, kept)
    batch = small.core.pipeline.execute(requests)
    for b, slate in enumerate(kept):
        looks, order = slate.looked(), batch.order[b]
        assert looks.columns == len(small.core.columns)
        assert looks.names == digest_of_names(small.core.columns)
        at = order[: len(looks.features)] + batch.offsets[b]
        np.testing.assert_array_equal(looks.features[:, -4], batch.heads[0, at].astype(np.float16))
        np.testing.assert_array_equal(looks.features[:, 0], batch.features[at, 0].astype(np.float16))
        np.testing.assert_array_equal(looks.scores, batch.score[batch.offsets[b] + order])


# What an item of the history is worth.


def test_an_item_that_was_never_met_is_worth_nothing() -> None:
    small = world()
    draft = small.draft("u0")
    assert draft.adapted
    stranger = next(row for row in range(40) if row not in draft.history)
    fallen = drops(
        small.core.pipeline, draft, draft.order[:4].tolist(), [stranger], small.core.settings.state
    )
    assert np.abs(fallen).max() < 1e-5


@pytest.mark.parametrize("also", [(), (5, 9)])
def test_an_adapted_score_falls_as_it_does_among_all_candidates(also: tuple[int, ...]) -> None:
    """Computed by hand: the same candidates, by the state without the item, all of them weighed again."""
    small = world()
    core, user = small.core, "u0"
    assert isinstance(core.learner, AdaptiveLearner)
    draft = small.draft(user, score_also=also)
    item, places = int(draft.history[0]), draft.order[:5].tolist()
    fallen = drops(core.pipeline, draft, places, [item], core.settings.state)[0]
    scores = []
    for state in (draft.state, without(draft.state, item, core.settings.state)):
        request = replace(draft.request, state=state, score_also=tuple(draft.rows.tolist()))
        batch = core.pipeline.execute([request])
        pool = batch.rows[: batch.draft(0).placed].tolist()  # what is not in it was asked for
        at = [pool.index(row) if row in pool else len(pool) + k for k, row in enumerate(draft.rows)]
        table = np.concatenate([batch.features[at], batch.heads.T[at]], axis=1)
        score = np.empty(len(table), np.float32)
        signals = np.ascontiguousarray(table[:, core.learner.reads])
        offsets, ends = np.array([0, len(table)]), np.array([draft.placed])
        core.learner.score(signals, offsets, ends, [Level("default", "feed")], score)
        scores.append(score[places])
    np.testing.assert_allclose(fallen, scores[0] - scores[1], atol=1e-4)
    assert np.abs(fallen).max() > 0
    np.testing.assert_allclose(scores[0], draft.score[places], rtol=1e-4)


def test_a_share_of_slates_tries_both_orders_while_the_guard_serves_the_frozen_one() -> None:
    small = world(override(ON, {"reweighting": {"guard_alpha": 1e-9, "trial": 0.5}}), 60)
    assert isinstance(small.core.learner, AdaptiveLearner)
    assert not small.core.learner.levels.everyone.guard.on
    requests = [small.request(f"u{n % 6}", cause=f"e{n}", trial=True) for n in range(40)]
    kept: list[KeptSlate] = []
    slates = small.core.recommend(requests, kept)
    plain = small.core.recommend([replace(each, trial=False) for each in requests])
    tried = [bool(each.trial) for each in kept]
    assert 8 < sum(tried) < 32
    others = 0
    for took_part, slate, before, look in zip(tried, slates, plain, kept, strict=True):
        if not took_part:
            assert slate == before
            continue
        assert slate.slate_id != before.slate_id
        assert len(slate.items) == len(before.items)
        assert len(look.trial) == len(look.rows)
        others += [item.item_id for item in slate.items] != [item.item_id for item in before.items]
    assert others
    again: list[KeptSlate] = []
    assert small.core.recommend(requests, again) == slates
    assert again == kept


def test_nothing_is_tried_where_nothing_could_be_learned_from_it() -> None:
    """Of slates without a guard, of arms that do not adapt, and of those that may be drawn."""
    trying = {"guard_alpha": 1e-9, "trial": 0.5}
    for settings in (
        override(ON, {"reweighting": {"trial": 0.5}}),
        override(ON, {"reweighting": {**trying, "enabled": False}}),
        override(ON, {"reweighting": trying, "exploration": {"share": 0.5}}),
        override(ON, {"reweighting": {**trying, "trial": 0}}),
    ):
        small = world(settings, 300)
        kept: list[KeptSlate] = []
        requests = [small.request(f"u{n % 6}", cause=f"e{n}", trial=True) for n in range(20)]
        small.core.recommend(requests, kept)
        assert not any(each.trial for each in kept)


def test_a_lesson_knows_which_order_brought_each_place_that_was_shown() -> None:
    made = KeptSlate("s", 1, rows=(5, 6, 7, 8), trial=bytes([1, 2, 0, 2]))
    shown = replace_slate(made, shown_ms=2, shown=(8, 5, 9), answers=(Answer(8, 1, 1.0, 3),))
    lesson = lesson_of("u", shown)
    assert list(lesson.trial) == [2, 1, 0]
    assert decode_lesson(encode_lesson(lesson)) == lesson
    assert lesson_of("u", replace_slate(shown, trial=b"")).trial == b""
