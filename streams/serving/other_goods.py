"""Says where a model was trained on other items than those here: it ranks, and orders searches, by what it
knows of other goods.
"""

from __future__ import annotations

import numpy as np

from streams.ranking.model_in_service import ModelInService
from streams.recommender import Recommender

EVENTS_LEAST, ITEMS_LEAST = 1_000, 100
"""Of fewer nothing is said."""
SHARE_LEAST = 0.1
"""Of the events, those with items of the model's training. New items are as usual; so many are not."""


def other_goods(recommender: Recommender, model: ModelInService) -> str:
    """What is wrong where the model met hardly any of what people meet here; "" where nothing is.

    Where few events have come, it has to know no item at all. Called in the core's thread.
    """
    met = model.met[: model.known]
    events = recommender.counters.popularity.events[: model.known]
    met, total = met[: len(events)], int(events.sum())
    if total >= EVENTS_LEAST:
        share = float(events[met].sum()) / total
        found = f"{share:.0%} of the events here are with items"
        wrong = share < SHARE_LEAST
    else:
        found, wrong = "none of the items here is one", model.known >= ITEMS_LEAST and not np.any(model.met)
    if not wrong:
        return ""
    return (
        f"model {model.name!r} seems to be of another catalogue: {found} that it was trained on. What it "
        "adds to feeds and searches may do harm: train one on events of this catalogue, or go without "
        "(model.registry without models; search.net = 0 for searches alone)"
    )
