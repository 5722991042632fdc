"""Verdicts say in each language what the reading's own words say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.experiments.interleaving.votes import Votes, read_votes
from streams.experiments.readings.plan import Guardrail, Plan
from streams.experiments.readings.reading import reading
from streams.gateway.console.verdicts import verdicts
from streams.gateway.experiment_bodies import ExperimentView, ReadingView
from streams.gateway.web.language import texts
from tests.streams.experiments.declarations import experiment
from tests.streams.experiments.readings.arms import BUYS, CLICKS, points

PLAN = Plan("plain", {"plain": 1.0, "bold": 1.0}, CLICKS, users=4_000, minimum_effect=0.1)
VIEW = ExperimentView(
    "e", "e", "running", 1, 1, {}, [], "", experiment("e", {"plain": {}, "bold": {}}, control="plain")
)
BETTER, SAME = {"plain": 0.2, "bold": 0.26}, {"plain": 0.25, "bold": 0.25}


def seen(plan: Plan, chances: dict[str, float], users: int, count: int = 10, **more: Any) -> ReadingView:
    history = points(chances, users, count, **more)
    return ReadingView("e", "", reading(plan, history[-1], history[:-1]), {})


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("found", "kind", "en", "zh"),
    [
        (seen(PLAN, BETTER, 200), "good", "bold is better than plain", "bold 优于 plain"),
        (seen(PLAN, {"plain": 0.26, "bold": 0.2}, 200), "bad", "bold is worse than plain", "bold 不如 plain"),
        (seen(PLAN, SAME, 40), "plain", "not decided yet", "尚未判定"),
        (seen(PLAN, SAME, 3), "plain", "too early", "数据不足"),
        (seen(PLAN, SAME, 250), "warn", "no difference was found", "未发现差异"),
        (seen(PLAN, SAME, 200, sizes={"bold": 60}), "bad", "Nothing can be read", "无法解读"),
    ],
)
def test_each_state_has_its_sentence(language: str, found: ReadingView, kind: str, en: str, zh: str) -> None:
    (said,) = verdicts(texts("zh" if language == "zh" else "en"), VIEW, found)
    assert said.kind == kind
    assert (zh if language == "zh" else en) in said.text


def test_harm_comes_first() -> None:
    plan = msgspec.structs.replace(PLAN, guardrails=(Guardrail(BUYS, -0.02),))
    found = seen(plan, SAME, 400, buys={"plain": 0.3, "bold": 0.1})
    first, *_ = verdicts(texts("en"), VIEW, found)
    assert (first.kind, first.text[:9]) == ("bad", "Stop bold")


@pytest.mark.parametrize(
    ("votes", "kind", "text"),
    [
        (Votes(10, 0, 0), "plain", "nobody has voted"),
        (Votes(40, 8, 6), "plain", "not decided yet"),
        (Votes(4_000, 1_300, 600), "good", "Users prefer bold to plain"),
        (Votes(4_000, 600, 1_300), "bad", "Users prefer plain to bold"),
    ],
)
def test_votes_are_told_as_votes(votes: Votes, kind: str, text: str) -> None:
    found = ReadingView("e", "", None, {}, read_votes("bold", "plain", [votes], 0.05))
    (said,) = verdicts(texts("en"), VIEW, found)
    assert said.kind == kind
    assert text in said.text
