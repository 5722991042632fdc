"""The parts of a score sum to it, whatever has a part in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from streams.ranking.score_parts import score_parts
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import Small, toy_model


def small(tree: dict[str, object]) -> Small:
    found = Small(items=80, settings=override(Settings(), tree))
    found.announce_all(seed=1)
    found.random_events(400, users=6, seed=2)
    found.act("u1", 5, rating=1.0)  # something to avert
    return found


@pytest.mark.parametrize("modelled", [True, False])
@pytest.mark.parametrize("aversion", [0.0, 2.0])
@pytest.mark.parametrize("rating_weight", [0.0, 0.3])
def test_the_decimals_sum_to_the_score(modelled: bool, aversion: float, rating_weight: float) -> None:
    here = small({"feed": {"aversion": aversion, "rating_weight": rating_weight}})
    if modelled:
        here.core.serve(toy_model(here.core.pipeline))
    draft = here.core.draft(here.core.request(here.state("u1"), here.now_ms, size=60))
    mean = here.core.counters.popularity.mean_rating()
    parts = score_parts(draft.batch, 0, mean)
    slate = here.core.slate(draft)
    for k, item in enumerate(slate.items):
        told = [Decimal(f"{part.values[k]:.6f}") for part in parts]
        assert sum(told) == Decimal(f"{item.score:.6f}")
    names = [part.name for part in parts]
    if not modelled:
        assert names == ["place"]
        return
    assert names == ["click", *["rating"] * bool(rating_weight), *["aversion"] * bool(aversion)]
    at = {part.name: part.values for part in parts}
    click = draft.click[draft.order]
    assert abs(at["click"] - click).max() < 1e-4
    if aversion:
        assert (at["aversion"] <= 0).all()
        assert (-at["aversion"] == draft.batch.averted[0][draft.order].astype(float).round(6)).all()
