"""What is reused between batches carries nothing over, whatever happened to the batch before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from streams.ranking.given_fields import CandidateFields, GivenFields
from streams.ranking.pipeline import Pipeline, sources
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import ItemFilter, RankRequest, Search, Suiting
from streams.ranking.stage import Stage
from streams.settings.tree import Settings
from streams.state.knowledge_graph import Triple, build
from tests.streams.core import Small, toy_model, unit

NAMES = [source.name for source in sources()]
STAGES = [
    "Remember",
    "Hydrate",
    "Filter",
    "Find",
    "Blend",
    "Features",
    "Rescore",
    "Reweight",
    "Avert",
    "Match",
    "Favour",
    "Rerank",
    "Explain",
]


SUITING = Suiting(np.arange(1, 4, dtype=np.int32), np.array([0.1, 0.3, 0.2], np.float32), 0.5)
GIVEN = GivenFields({3: CandidateFields(boost=1.0), -1: CandidateFields(item_id="new", categories=("a",))})


class BrokenError(Exception):
    """What a stage or a source raises here."""


def driven(settings: Settings = Settings()) -> Small:
    graph = build([Triple(f"i{row}", "made_by", f"maker {row % 7}") for row in range(60)])
    small = Small(items=60, settings=settings, graph=graph)
    small.announce_all(seed=1)
    small.random_events(300, users=8, seed=2)
    small.core.serve(toy_model(small.core.pipeline))
    return small


def many(small: Small) -> list[RankRequest]:
    return [
        *(small.request(f"u{k}") for k in range(8)),
        small.request("u1", "popular", exclude=tuple(range(30))),
        small.request("u2", "counters", filter=ItemFilter(tags=("none",))),
        small.request("u3", search=Search("x", unit(np.ones(64))), score_also=(1, 2)),
        small.request("u4", candidates=(3, 1, 2), suiting=SUITING),
        small.request("u5", candidates=(3, -1, 2), given=GIVEN),
    ]


def few(small: Small) -> list[RankRequest]:
    return [small.request("nobody"), small.request("u5", "counters"), small.request("u1")]


def fails_once(run: Callable[..., object], at: int) -> Callable[..., object]:
    """`run`, whose call number `at` does its work and then raises."""
    calls = 0

    def broken(*given: object) -> object:
        nonlocal calls
        calls += 1
        found = run(*given)
        if calls == at:
            raise BrokenError
        return found

    return broken


def same(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a batch that fails, the next ones are as those of a core that made none before."""
    with pytest.raises(BrokenError):
        small.core.recommend(many(small))
    monkeypatch.undo()
    fresh = driven()
    assert small.core.recommend(few(small)) == fresh.core.recommend(few(fresh))
    assert small.core.recommend(many(small)) == fresh.core.recommend(many(fresh))


def pipeline_stages(pipeline: Pipeline) -> dict[str, Stage]:
    return {type(stage).__name__: stage for stage in (*pipeline.gathering, *pipeline.ordering)}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_fails_leaves_nothing_behind(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small = driven()
    stages = pipeline_stages(small.core.pipeline)
    assert list(stages) == STAGES
    monkeypatch.setattr(stages[name], "run", fails_once(stages[name].run, 1))
    same(small, monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_fails_halfway_leaves_nothing_behind(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = driven()
    source = small.core.pipeline.sources[NAMES.index(name)]
    ways = (("find_all", 1), ("find", 4))  # for all at once, or one by one
    method, at = next((method, at) for method, at in ways if hasattr(source, method))
    monkeypatch.setattr(source, method, fails_once(getattr(source, method), at))
    same(small, monkeypatch)


@pytest.mark.parametrize(
    "where", ["streams.ranking.featuring.candidate_features", "streams.ranking.explaining.explain"]
)
def test_work_on_one_request_that_fails_leaves_nothing_behind(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = driven()
    module, name = where.rsplit(".", 1)
    imported = __import__(module, fromlist=[name])
    monkeypatch.setattr(where, fails_once(getattr(imported, name), 1))
    same(small, monkeypatch)


def test_a_model_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    small = driven()
    model = small.core.pipeline.models.active
    assert model is not None
    for part in ("tower", "scorer"):
        monkeypatch.setattr(model, part, fails_once(getattr(model, part), 1))
        same(small, monkeypatch)
        small.announce(3, unit(np.arange(64.0)), ts=small.now_ms + 1)
        fresh = driven()
        fresh.announce(3, unit(np.arange(64.0)), ts=fresh.now_ms + 1)
        assert small.core.recommend(few(small)) == fresh.core.recommend(few(fresh))
        small = driven()
        model = small.core.pipeline.models.active
        assert model is not None


def test_batches_of_any_size_and_a_growing_catalog_share_one_workspace() -> None:
    small = driven()
    for k in range(4):
        small.core.meet([f"late {k} {n}" for n in range(40)], small.now_ms)
        fresh = driven()
        for j in range(k + 1):
            fresh.core.meet([f"late {j} {n}" for n in range(40)], small.now_ms)
        for make in (few, many, few):
            assert small.core.recommend(make(small)) == fresh.core.recommend(make(fresh))


def test_an_earlier_batch_is_not_changed_by_a_later_one() -> None:
    small = driven()
    batch: RankBatch = small.core.pipeline.execute(many(small))
    kept = [batch.rows.copy(), batch.features.copy(), batch.score.copy(), batch.ranks.copy()]
    small.core.recommend(few(small))
    for before, now in zip(kept, (batch.rows, batch.features, batch.score, batch.ranks), strict=True):
        np.testing.assert_array_equal(before, now)
