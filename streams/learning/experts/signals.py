"""Which columns of a lesson the experts read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.errors import SettingsError

BASE = "base"
"""The column that holds the score of the frozen order."""
HEAD = "head_"
"""How the names of the columns begin that hold what a head of the model says."""
SIGNALS_MAX = 64

DEFAULT_SIGNALS = (
    "rank_transitions",
    "rank_trending",
    "rank_popular",
    "rank_nearest",
    "rank_fresh",
    "rank_entities",
    "rank_learned",
    "popular_short",
    "popular_long",
    "popular_ever",
    "shown",
    "rating_mean",
    "idle",
    "age",
    "follows",
    "follows_share",
    "follows_fresh",
    "together_liked_cosine",
    "liked_near",
    "entity_taste",
    "text_last",
    "text_taste",
)
"""Besides the heads. Click-through is the difference of `popular_ever` and `shown`, which are logarithms."""


def signals_of(columns: Sequence[str], wanted: Sequence[str] = ()) -> NDArray[np.int64]:
    """Where the signals stand among `columns`, `base` first; int64 [K].

    `wanted`: the names of those besides `base`; none for those of `DEFAULT_SIGNALS` that there are, and all
    heads. `SettingsError` for a name that no column has, and for too many.

    >>> signals_of(["age", "price", "base", "head_click"]).tolist()
    [2, 3, 0]
    >>> signals_of(["age", "price", "base", "head_click"], ["price"]).tolist()
    [2, 1]
    """
    at = {name: k for k, name in enumerate(columns)}
    if BASE not in at:
        raise SettingsError(f"no column is named {BASE!r}, the score of the frozen order: {', '.join(at)}")
    heads = [name for name in columns if name.startswith(HEAD)]
    names = list(wanted) or [*heads, *(name for name in DEFAULT_SIGNALS if name in at)]
    missing = [name for name in names if name not in at]
    if missing:
        raise SettingsError(
            f"reweighting.signals names {', '.join(missing)}; expected some of {', '.join(sorted(at))}"
        )
    read = list(dict.fromkeys([BASE, *names]))
    if len(read) > SIGNALS_MAX:
        raise SettingsError(f"reweighting.signals are {len(read)} with base; expected at most {SIGNALS_MAX}")
    return np.array([at[name] for name in read], np.int64)
