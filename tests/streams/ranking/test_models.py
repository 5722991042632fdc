"""Several models in one process, each at its own revision of the items."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from streams.ranking.model_in_service import ModelInService
from streams.ranking.models import Models
from streams.ranking.slate import ranked_by
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import START_MS, Small, toy_model, unit

ARMS = {
    "arms": {
        "bold": {"model": "second"},
        "lost": {"model": "gone"},
        "short": {"stages": {"feed": {"size": 2}}},
        "plain": {"stages": {"rescoring": {"enabled": False}}},
    }
}


@pytest.fixture
def small() -> Small:
    found = Small(items=60, settings=override(Settings(), ARMS))
    found.announce_all(seed=1)
    found.random_events(300, users=8, seed=2)
    found.core.serve(toy_model(found.core.pipeline))
    found.core.load(second(found))
    return found


def second(small: Small) -> ModelInService:
    """A model that prefers what the first one likes least."""
    model = toy_model(small.core.pipeline)
    model.name, plain = "second", model.scorer
    model.scorer = lambda inputs: plain(inputs)._replace(click=-plain(inputs).click)
    return model


def test_a_batch_is_scored_by_the_model_that_each_arm_names(small: Small) -> None:
    requests = [small.request("u1", arm=arm) for arm in ("default", "bold", "short", "bold")]
    first, bold, short, again = small.core.pipeline.execute(requests).drafts()
    assert [first.model, bold.model, short.model] == ["toy", "second", "toy"]
    np.testing.assert_allclose(bold.click, -first.click, rtol=1e-5)
    assert again.order.tolist() == bold.order.tolist() != first.order.tolist()
    assert short.order.tolist() == first.order[:2].tolist()
    slates = small.core.recommend(requests)
    assert [(slate.arm, slate.model) for slate in slates] == [
        ("default", "toy"), ("bold", "second"), ("short", "toy"), ("bold", "second"),
    ]  # fmt: skip
    assert len({slate.slate_id for slate in slates}) == 3


def test_a_model_that_is_not_here_is_stood_in_for_and_counted(small: Small) -> None:
    (slate,) = small.core.recommend([small.request("u1", arm="lost")])
    (default,) = small.core.recommend([small.request("u1")])
    assert (slate.arm, slate.model) == ("lost", "toy")
    assert [place.item_id for place in slate.items] == [place.item_id for place in default.items]
    assert small.core.pipeline.models.missing == {"gone": 1}
    del small.core.pipeline.models.named["second"]
    small.core.recommend([small.request("u1", arm="bold"), small.request("u2", arm="bold")])
    assert small.core.pipeline.models.missing == {"gone": 1, "second": 2}


def test_each_model_follows_the_catalog_by_itself(small: Small) -> None:
    models = small.core.pipeline.models
    first, other = models.active, models.named["second"]
    assert first is not None
    small.draft("u1")
    small.core.meet(["late"], START_MS)
    row = small.core.catalog.rows["late"]
    small.announce(row, unit(np.ones(64)), ts=small.now_ms)
    small.draft("u1")
    assert (first.known, other.known) == (61, 0)
    small.draft("u1", arm="bold")
    assert other.known == 61
    assert (other.vectors[:61] == first.vectors[:61]).all()
    small.announce(3, unit(-np.ones(64)), ts=small.now_ms + 1)
    small.draft("u1", arm="bold")
    assert (other.vectors[3] != first.vectors[3]).any()
    small.draft("u1")
    assert (other.vectors[:61] == first.vectors[:61]).all()


def test_an_arm_may_do_without_a_model(small: Small) -> None:
    (slate,) = small.core.recommend([small.request("u1", arm="plain")])
    assert (slate.model, slate.rung, ranked_by(slate)) == ("", "full", "counters")


def test_all_models_may_be_asked_for_while_others_come_and_go() -> None:
    """The worker's metrics ask in the loop's thread; the core's thread loads models."""
    models, over = Models(), threading.Event()
    stand_ins: list[Any] = [SimpleNamespace(name=f"m{n}") for n in range(500)]

    def come_and_go() -> None:
        while not over.is_set():
            for model in stand_ins:
                models.add(model)
            models.named.clear()

    beside = threading.Thread(target=come_and_go)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    beside.start()
    try:
        for _ in range(3_000):
            found = models.all()
            assert len(found) == len(set(map(id, found)))
    finally:
        over.set()
        beside.join()
        sys.setswitchinterval(before)
