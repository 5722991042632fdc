"""Slates of two orders out of the core: what each side would show, drafted, and the same on a replay."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from model.actions import code_of
from streams.experiments.interleaving.team_draft import propensities
from streams.experiments.registry.state import Registry
from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.kept_slates import Answer, KeptSlate
from streams.learning.lesson import lesson_of
from streams.ranking.slate import Slate, encode
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import Small, toy_model
from tests.streams.experiments.declarations import raw, running

PLAIN_AND_NEW = "e=plain+new"
NEW = {"stages": {"candidates": {"sources": ["fresh"]}}}
COUNTERS = {"stages": {"rescoring": {"enabled": False}}}


def registry(plain: dict[str, Any], new: dict[str, Any]) -> Registry:
    return running(e=raw({"plain": plain, "new": new}, design="interleaved", primary="preference"))


def small_with(
    plain: dict[str, Any], new: dict[str, Any], settings: Settings = Settings(), model: bool = True
) -> Small:
    made = Small(items=40, settings=settings)
    made.random_events(80, users=4, seed=2)
    if model:
        made.core.serve(toy_model(made.core.pipeline))
    made.core.arms.run(registry(plain, new))
    return made


def made_by(
    small: Small, arm: str, cause: str = "", users: tuple[str, ...] = ("u0", "u1")
) -> tuple[list[Slate], list[KeptSlate]]:
    core, looks = small.core, list[KeptSlate]()
    requests = [
        core.request(small.state(user), small.now_ms, user=user, arm=arm, cause=cause) for user in users
    ]
    return core.recommend(requests, looks), looks


def test_users_are_drawn_to_both_arms_together() -> None:
    small = small_with({}, NEW)
    assert {small.core.arms_of(f"u{n}", small.state("u0"), 5) for n in range(20)} == {PLAIN_AND_NEW}


def test_a_slate_is_drafted_of_what_each_arm_would_show() -> None:
    small = small_with({}, NEW)
    (slate, _), (look, _) = made_by(small, PLAIN_AND_NEW)
    orders = [made_by(small, f"e={arm}!")[0][0].items for arm in ("plain", "new")]
    ids = [[item.item_id for item in order] for order in orders]
    assert ids[0] != ids[1]
    assert slate.teams is not None
    for item, team in zip(slate.items, slate.teams, strict=True):
        assert team == -1 or item in orders[team]  # with that side's score, source and reason
    rows = {item: row for row, item in enumerate(small.core.catalog.ids)}
    both = min(map(len, ids))
    shown = [rows[item.item_id] for item in slate.items]
    first, second = ([rows[item] for item in order] for order in ids)
    expected = propensities(first, second, shown[:both])
    assert slate.propensities == expected + [1.0] * (len(shown) - both)
    assert slate.arm == look.arm == PLAIN_AND_NEW
    assert list(look.rows) == shown
    looked = look.looked()
    np.testing.assert_allclose(looked.scores, [item.score for item in slate.items], atol=1e-5)
    np.testing.assert_array_equal(looked.propensities, np.array(slate.propensities, np.float32))
    assert (look.slate_id, look.model) == (slate.slate_id, slate.model)


def test_features_are_those_of_the_side_that_brought_the_place() -> None:
    small = small_with({}, NEW)
    (slate, _), (look, _) = made_by(small, PLAIN_AND_NEW)
    sides = [made_by(small, f"e={arm}!")[1][0] for arm in ("plain", "new")]
    assert slate.teams is not None
    features = look.looked().features
    assert len(features) >= min(len(side.looked().features) for side in sides)
    for place, (row, team) in enumerate(zip(look.rows[: len(features)], slate.teams, strict=False)):
        side = sides[max(team, 0)]
        known = side.looked().features
        if team >= 0 and (at := side.rows.index(row)) < len(known):
            np.testing.assert_array_equal(features[place], known[at])


def test_a_side_that_no_model_scores_has_no_features() -> None:
    small = small_with({}, COUNTERS)
    (slate, _), (look, _) = made_by(small, PLAIN_AND_NEW)
    assert slate.teams is not None
    assert (slate.model, slate.rung) == ("toy+-", "full")
    features = look.looked().features
    missing = np.isnan(features).all(axis=1)
    np.testing.assert_array_equal(missing, np.array(slate.teams[: len(features)]) == 1)


def test_the_same_request_gives_the_same_bytes_and_another_moment_other_coins() -> None:
    small = small_with({}, NEW)
    first, again = (made_by(small, PLAIN_AND_NEW) for _ in range(2))
    assert [encode(slate) for slate in first[0]] == [encode(slate) for slate in again[0]]
    assert first[1] == again[1]
    teams = {tuple(made_by(small, PLAIN_AND_NEW, cause=f"c{n}")[0][0].teams or ()) for n in range(12)}
    assert len(teams) > 6


def test_two_arms_alike_show_what_one_of_them_does() -> None:
    small = small_with({}, {})
    (slate, _), _ = made_by(small, PLAIN_AND_NEW)
    (plain, _), _ = made_by(small, "e=plain!")
    assert slate.items == plain.items
    assert slate.teams is not None
    assert sorted(slate.teams) == [0] * 10 + [1] * 10
    assert slate.propensities == [1.0] * 20
    assert slate.slate_id != plain.slate_id


def test_slates_beside_it_are_as_they_were() -> None:
    small = small_with({}, NEW)
    core = small.core
    states = [(small.state(user), user) for user in ("u0", "u1", "u2")]
    plain = [core.request(state, small.now_ms, user=user) for state, user in states]
    mixed = [plain[0], core.request(states[1][0], small.now_ms, user="u1", arm=PLAIN_AND_NEW), plain[2]]
    alone, looks, mixed_looks = core.recommend(plain), list[KeptSlate](), list[KeptSlate]()
    core.recommend(plain, looks)
    beside = core.recommend(mixed, mixed_looks)
    assert [beside[0], beside[2]] == [alone[0], alone[2]]
    assert [mixed_looks[0], mixed_looks[2]] == [looks[0], looks[2]]
    assert [slate.user_id for slate in beside] == ["u0", "u1", "u2"]


@pytest.mark.parametrize("policy", ["gumbel", "thompson"])
def test_no_exploration_beside_the_coins(policy: str) -> None:
    settings = override(Settings(), {"exploration": {"share": 1.0, "policy": policy}})
    small = small_with({}, {}, settings)
    (slate, _), _ = made_by(small, PLAIN_AND_NEW)
    assert slate.propensities == [1.0] * 20
    assert not any(item.reason.kind == "explored" for item in slate.items)


def test_a_side_that_finds_nothing_leaves_the_other() -> None:
    small = small_with({}, {"stages": {"candidates": {"sources": ["entities"]}}}, model=False)
    core = small.core
    request = core.request(small.state("u0"), small.now_ms, user="u0", arm=PLAIN_AND_NEW)
    (slate,) = core.recommend([replace(request, complete=False)])
    (plain,) = core.recommend([replace(request, complete=False, against=None)])
    assert slate.items == plain.items
    assert slate.teams == [-1] * len(plain.items)
    assert slate.propensities == [1.0] * len(plain.items)


@pytest.mark.parametrize(
    ("new", "teaches"),
    [
        (NEW, True),
        ({"stages": {"feed": {"rating_weight": 0.9}}}, False),
        ({"model": "double"}, False),
        ({"stages": {"reweighting": {"enabled": False}}}, True),
    ],
)
def test_scores_of_two_kinds_teach_no_learner(new: dict[str, Any], teaches: bool) -> None:
    small = small_with({}, new)
    core = small.core
    other = toy_model(core.pipeline)
    other.name = "double"
    core.load(other)
    (slate, _), (look, _) = made_by(small, PLAIN_AND_NEW)
    assert slate.model == ("toy+double" if "model" in new else "toy")
    learner = AdaptiveLearner(ReweightingSettings(enabled=True), core.columns, core.meanings)
    answer = Answer(look.rows[1], code_of("click"), float("nan"), slate.ts + 5)
    shown = msgspec.structs.replace(look, shown_ms=slate.ts, shown=look.rows, answers=(answer,))
    lesson = lesson_of("u0", shown)
    learner.learn(lesson)
    assert (learner.counts()["answered"], learner.counts()["unknown_places"]) == (1, int(not teaches))
    assert bool(learner.report().levels["global"].lessons) is teaches
    at = core.columns.index("base")
    others = np.delete(lesson.features, at, axis=1)
    assert np.isfinite(lesson.features[:, at]).all() == teaches
    assert np.isfinite(others).all()  # what sources earn is told by these
