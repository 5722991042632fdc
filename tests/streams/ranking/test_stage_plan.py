"""Stage settings: overridden by a checked tree, lowered by the ladder, named by a digest."""

from __future__ import annotations

import math
from typing import Any

import pytest

from model.errors import SettingsError
from streams.ranking.degradation import RUNGS, lowered
from streams.ranking.pipeline import sources
from streams.ranking.stage_plan import stage_plan
from streams.recommender import Recommender
from streams.settings.ranking import CandidateSettings, LadderSettings
from streams.settings.reading import load, override
from streams.settings.stages import StageSettings, overridden
from streams.settings.tree import Settings
from streams.state.action_meaning import BUILT_IN
from tests.streams.core import Small

NAMES = [source.name for source in sources()]


def declared(stages: dict[str, Any], model: str = "") -> Settings:
    return override(Settings(), {"arms": {"bold": {"model": model, "stages": stages}}})


@pytest.mark.parametrize(
    ("stages", "what"),
    [
        ({"feed": {"sise": 5}}, r"arms.bold.stages: .*unknown field `sise`"),
        ({"fed": {}}, r"arms.bold.stages: .*unknown field `fed`"),
        ({"feed": {"size": 0}}, r"arms.bold.stages: .*feed.size"),
        ({"feed": {"size": "many"}}, r"arms.bold.stages: .*feed.size"),
        ({"feed": 5}, r"arms.bold.stages: .*feed"),
        ({"feed": {"repeat": ["stare"]}}, r"arms.bold.stages: .*feed.repeat"),
        ({"worker": {"port": 1}}, r"arms.bold.stages: .*unknown field `worker`"),
        ({"feed": {"rating_weight": math.nan}}, r"arms.bold.stages: .*feed.rating_weight"),
        ({"feed": {"rating_weight": math.inf}}, r"arms.bold.stages: .*feed.rating_weight"),
        ({"feed": {"task_weights": {"like": math.nan}}}, r"arms.bold.stages: .*feed.task_weights"),
        ({"feed": {"task_weights": {"buy": 1.0}}}, r"arms.bold.stages: .* names buy; expected some of like"),
        ({"feed": {"task_weights": {"click": 1.0}}}, r"arms.bold.stages: .* names click; expected some of"),
        ({"candidates": {"weights": {"fresh": math.inf}}}, r"arms.bold.stages: .*candidates.weights"),
        ({"candidates": {"reserve": {"fresh": 2**70}}}, r"arms.bold.stages: .*candidates.reserve"),
        ({"candidates": {"pool": 2**40}}, r"arms.bold.stages: .*candidates.pool"),
        ({"candidates": {"rank_constant": math.inf}}, r"arms.bold.stages: .*candidates.rank_constant"),
        ({"candidates": {"sources": "fresh"}}, r"arms.bold.stages: .*candidates.sources"),
    ],
)
def test_an_arm_that_asks_for_what_is_not_there_is_refused_when_it_is_declared(
    stages: dict[str, Any], what: str
) -> None:
    with pytest.raises(SettingsError, match=what):
        declared(stages)


@pytest.mark.parametrize("field", ["sources", "weights", "reserve"])
def test_an_arm_that_names_an_unknown_source_is_refused_before_anyone_is_served(field: str) -> None:
    named = ["popular", "oracle"]
    value = named if field == "sources" else dict.fromkeys(named, 1)
    settings = declared({"candidates": {field: value}})
    with pytest.raises(SettingsError, match=rf"arms.bold.stages: candidates.{field} names oracle; expected"):
        Recommender(settings)


@pytest.mark.parametrize("name", ["", "..", ".bold", "a/b", "../bold", "bold\n", "b d", "b" * 65])
def test_an_arm_has_a_name_that_can_be_part_of_a_path(name: str) -> None:
    with pytest.raises(SettingsError, match="arms"):
        override(Settings(), {"arms": {name: {}}})


def test_an_arm_may_weigh_a_task_that_the_settings_name() -> None:
    tree: dict[str, Any] = {
        "model": {"tasks": {"buy": {"loss": "binary", "actions": ["purchase"]}}},
        "arms": {"bold": {"stages": {"feed": {"task_weights": {"buy": 0.5}}}}},
    }
    assert override(Settings(), tree).stages_of("bold").feed.task_weights == {"buy": 0.5}


def test_an_arm_may_be_declared_by_environment_variables() -> None:
    names = {
        "MODEL": "m",
        "STAGES__FEED__SIZE": "3",
        "STAGES__FEED__REPEAT": "view,cart",
        "STAGES__CANDIDATES__SOURCES": "fresh,popular",
        "STAGES__CANDIDATES__WEIGHTS__FRESH": "2",
        "STAGES__RESCORING__ENABLED": "false",
    }
    settings = load(None, {f"HEADRACE_ARMS__BOLD__{name}": value for name, value in names.items()})
    found = settings.stages_of("bold")
    assert settings.model_of("bold") == "m"
    assert (found.feed.size, found.feed.repeat) == (3, ("view", "cart"))
    assert found.candidates.sources == ("fresh", "popular")
    assert found.candidates.weights["fresh"] == 2.0
    assert not found.rescoring.enabled
    with pytest.raises(SettingsError, match="sise"):
        load(None, {"HEADRACE_ARMS__BOLD__STAGES__FEED__SISE": "3"})


def test_the_settings_themselves_are_no_arm_that_could_be_declared() -> None:
    with pytest.raises(SettingsError, match=r"arms.default can't be declared"):
        override(Settings(), {"arms": {"default": {}}})


def test_what_an_arm_does_not_say_is_as_in_the_settings() -> None:
    bold = {"feed": {"size": 5}, "candidates": {"weights": {"fresh": 9.0}}}
    settings = override(declared(bold), {"feed": {"fresh_place": 3}})
    found = settings.stages_of("bold")
    assert (found.feed.size, found.feed.fresh_place) == (5, 3)
    assert found.candidates.weights == {**CandidateSettings().weights, "fresh": 9.0}
    assert settings.stages_of("default") == settings.stages
    with pytest.raises(SettingsError, match="'brave' is not declared; expected one of default, bold"):
        settings.stages_of("brave")


def test_each_rung_is_settings_of_its_own_and_so_has_a_digest_of_its_own() -> None:
    plans = [
        stage_plan(lowered(StageSettings(), rung, LadderSettings()), BUILT_IN, NAMES, rung) for rung in RUNGS
    ]
    assert len({plan.digest for plan in plans}) == len(RUNGS)
    assert [plan.settings.rescoring.enabled for plan in plans] == [True, True, False, False]
    assert [len(plan.asked) for plan in plans] == [len(NAMES)] * 3 + [1]
    again = stage_plan(overridden(StageSettings(), {}, "x"), BUILT_IN, NAMES)
    assert again.digest == plans[0].digest
    other = stage_plan(
        overridden(StageSettings(), {"candidates": {"reserve": {"fresh": 9}}}, "x"), BUILT_IN, NAMES
    )
    assert other.digest != plans[0].digest


def test_the_sources_of_a_request_alone_are_asked() -> None:
    small = Small(items=60)
    small.random_events(300, users=8, seed=2)
    plan = small.core.plan({"candidates": {"sources": ["popular", "fresh"]}})
    draft = small.draft("u1", plan=plan)
    brought = {name for name, ranks in zip(NAMES, draft.ranks.T, strict=True) if ranks.any()}
    assert brought == {"popular", "fresh"}


def test_requests_of_one_batch_may_differ_in_everything() -> None:
    """Each comes out as it does alone."""
    small = Small(items=60)
    small.announce_all(seed=1)
    small.random_events(300, users=8, seed=2)
    requests = [
        small.request("u1"),
        small.request("u2", "popular"),
        small.request("u1", plan=small.core.plan({"feed": {"size": 3, "fresh_place": 0}})),
        small.request("u3", "counters", exclude=(1, 2), cause="e"),
        small.request("u4", score_also=(5,), explain=False),
        small.request("u4", size=24),
        small.request("u2", "popular", size=25),
        small.request("nobody", now_ms=small.now_ms + 60_000),
    ]
    together = small.core.recommend(requests)
    assert together == [small.core.recommend([request])[0] for request in requests]
    assert [len(slate.items) for slate in together] == [20, 20, 3, 20, 20, 24, 25, 20]
