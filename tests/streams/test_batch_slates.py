"""One slate for each request; a request that fails costs the others nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from streams.batch_slates import slates_of
from streams.learning.kept_slates import KeptSlate
from streams.ranking.degradation import Rung
from streams.ranking.request import RankRequest
from streams.ranking.slate import Slate, ranked_by
from streams.recommender import Recommender
from tests.streams.core import Small, toy_model
from tests.streams.experiments.declarations import raw, running


@pytest.fixture
def small() -> Small:
    made = Small(items=30)
    made.random_events(60, users=3, seed=2)
    made.core.serve(toy_model(made.core.pipeline))
    return made


def requests_of(small: Small, rung: Rung = "full") -> list[RankRequest]:
    return [
        small.core.request(small.state(user), small.now_ms, rung=rung, user=user)
        for user in ("u0", "u1", "u2")
    ]


class FailsFor:
    """Ranks as the recommender does, and fails where a request on a rung is one of `broken`."""

    def __init__(self, core: Recommender, *broken: tuple[str, str]) -> None:
        self.real, self.broken, self.calls = core.recommend, broken, 0

    def __call__(self, requests: Sequence[RankRequest], *more: Any) -> list[Slate]:
        self.calls += 1
        for each in requests:
            if (each.user, each.plan.rung) in self.broken:
                raise ZeroDivisionError(f"{each.user} on {each.plan.rung}")
        return self.real(requests, *more)


def same_order(looks: Sequence[KeptSlate], slates: Sequence[Slate]) -> bool:
    return [look.slate_id for look in looks] == [slate.slate_id for slate in slates]


def test_all_slates_are_made_in_one_go(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = FailsFor(small.core)
    monkeypatch.setattr(small.core, "recommend", ranks)
    slates, looks, unranked = slates_of(small.core, requests_of(small))
    assert [slate.user_id for slate in slates] == ["u0", "u1", "u2"]
    assert same_order(looks, slates)
    assert (unranked, ranks.calls) == ({}, 1)


def test_who_fails_gets_a_slate_from_the_counters_and_the_others_get_theirs(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small.core, "recommend", FailsFor(small.core, ("u1", "full")))
    slates, looks, unranked = slates_of(small.core, requests_of(small))
    assert [(slate.user_id, ranked_by(slate), slate.rung) for slate in slates] == [
        ("u0", "model", "full"), ("u1", "counters", "full"), ("u2", "model", "full"),
    ]  # fmt: skip
    assert same_order(looks, slates)
    assert {user: str(error) for user, error in unranked.items()} == {"u1": "u1 on full"}


def test_who_fails_on_the_counters_too_gets_no_slate(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = FailsFor(small.core, ("u1", "full"), ("u1", "counters"))
    monkeypatch.setattr(small.core, "recommend", broken)
    slates, looks, unranked = slates_of(small.core, requests_of(small))
    assert [slate.user_id for slate in slates] == ["u0", "u2"]
    assert same_order(looks, slates)
    assert {user: str(error) for user, error in unranked.items()} == {"u1": "u1 on counters"}


def test_without_rescoring_there_is_nothing_simpler_to_try(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = FailsFor(small.core, ("u1", "popular"))
    monkeypatch.setattr(small.core, "recommend", ranks)
    slates, _, unranked = slates_of(small.core, requests_of(small, "popular"))
    assert [slate.user_id for slate in slates] == ["u0", "u2"]
    assert list(unranked) == ["u1"]
    assert ranks.calls == 1 + 3


def test_a_draft_falls_back_where_the_model_of_its_second_order_fails(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control goes by the counters anyway: that its order can be made helps nobody."""
    plain = {"stages": {"rescoring": {"enabled": False}}}
    declared = raw({"plain": plain, "new": {}}, design="interleaved", primary="preference")
    small.core.arms.run(running(e=declared))
    request = small.core.request(small.state("u0"), small.now_ms, user="u0", arm="e=plain+new")
    execute = small.core.pipeline.execute

    def without_model(requests: Sequence[RankRequest]) -> Any:
        if any(each.plan.settings.rescoring.enabled for each in requests):
            raise ZeroDivisionError
        return execute(requests)

    monkeypatch.setattr(small.core.pipeline, "execute", without_model)
    (slate,), _, unranked = slates_of(small.core, [request])
    assert (slate.model, slate.rung, slate.arm, set(unranked)) == ("", "full", "e=plain+new", {"u0"})
    assert slate.teams
