"""What a learner reads of a candidate's scores, beside its features: columns of their own, under names.

base          the score where nothing was learned from answers (`streams.ranking.reweighting.weighted`)
head_click    the model's logit of a click
head_rating   the expected rating above the mean of all ratings; 0 where there are none
head_TASK     the logit of a further task; 0 where the request's model has no such task
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from model.schema import F32

BASE = "base"
ALWAYS = (BASE, "head_click", "head_rating")


def head_name(task: str) -> str:
    """The column of a further task."""
    return f"head_{task}"


def head_columns(tasks: Sequence[str]) -> tuple[str, ...]:
    """The columns where the further tasks are these.

    >>> head_columns(["like"])
    ('base', 'head_click', 'head_rating', 'head_like')
    """
    return (*ALWAYS, *map(head_name, tasks))


def heads_of(
    base: F32,
    click: F32,
    rating: F32,
    more: Mapping[str, F32],
    tasks: Sequence[str],
    mean_rating: float | None,
) -> F32:
    """The columns [H, N] of N candidates, each of them a row; arguments as in `weighted`."""
    heads = np.zeros((len(ALWAYS) + len(tasks), len(base)), np.float32)
    heads[0], heads[1] = base, click
    if mean_rating is not None:
        np.subtract(rating, np.float32(mean_rating), out=heads[2])
    for at, task in enumerate(tasks, len(ALWAYS)):
        if task in more:
            np.copyto(heads[at], more[task], where=~np.isnan(more[task]))
    return heads
