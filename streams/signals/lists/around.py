"""Where each place stands from places that the user touched: people go on from where they were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.signals.lists.session import Session

ANCHORS = ("touched", "chosen", "deepest")
FROM = ("none", "next", "second", "before", "near", "side", "distance")
AROUND = tuple(f"from_{anchor}_{name}" for anchor in ANCHORS for name in FROM)
FAR = 10.0
"""Distances beyond this are all alike."""

F64 = NDArray[np.float64]


def around(session: Session) -> list[F64]:
    """A column [n] for each of `AROUND`. The anchors: the place that was touched last, the one that was
    chosen last, and the deepest one that was touched in this session.

    none: there is no such place; then the others are 0. next, second, before: one and two places below, one
    above. near: 1 / the distance. side: -1 above, 1 below. distance: with its sign, in tens.
    """
    newest, chosen = session.newest(), session.newest(session.chosen)
    anchors = (newest[:1], chosen[:1], [max(newest)] if newest else [])
    return [column for anchor in anchors for column in _from(anchor, session.n)]


def _from(anchor: list[int], n: int) -> list[F64]:
    if not anchor:
        return [np.ones(n), *(np.zeros(n) for _ in FROM[1:])]
    apart = np.arange(n, dtype=np.float64) - anchor[0]
    near = np.where(apart != 0, 1.0 / np.maximum(np.abs(apart), 1.0), 0.0)
    return [
        np.zeros(n),
        (apart == 1).astype(np.float64),
        (apart == 2).astype(np.float64),
        (apart == -1).astype(np.float64),
        near,
        np.sign(apart),
        np.clip(apart, -FAR, FAR) / FAR,
    ]
