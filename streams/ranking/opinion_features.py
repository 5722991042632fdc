"""What reviews say of each candidate, beside what its user praises: the columns of OPINION_FEATURES."""

from __future__ import annotations

import numpy as np

from model.features import OPINION_FEATURES, OPINIONS_FROM
from streams.counters.aspects import Aspects
from streams.ranking.rank_batch import RankBatch
from streams.state.opinion import TOPICS_MOST

PRIOR_REVIEWS, PRIOR_CLAUSES = 3.0, 3.0


def fill_opinions(batch: RankBatch, aspects: Aspects) -> None:
    """Fill the columns of OPINION_FEATURES of all candidates of a batch."""
    rows, at = np.unique(batch.rows, return_inverse=True)
    reviews, feeling, praised, blamed = aspects.columns(rows)
    total = aspects.totals()
    mean = total.sentiment / max(total.reviews, 1.0)
    shares = float(total.praised.sum()) / max(float(total.praised.sum() + total.blamed.sum()), 1.0)
    usual = (total.praised - total.blamed) / max(total.reviews, 1.0)
    said, told = praised.sum(axis=1), praised.sum(axis=1) + blamed.sum(axis=1)
    lift = (praised - blamed - reviews[:, None] * usual) / (reviews[:, None] + PRIOR_REVIEWS)
    shape = praised / np.maximum(np.linalg.norm(praised, axis=1, keepdims=True), 1e-9)
    own = np.stack(
        (
            np.log1p(reviews),
            (feeling + PRIOR_REVIEWS * mean) / (reviews + PRIOR_REVIEWS) - mean,
            (said + PRIOR_CLAUSES * shares) / (told + PRIOR_CLAUSES) - shares,
        ),
        axis=1,
    )
    out = batch.features[:, OPINIONS_FROM : OPINIONS_FROM + len(OPINION_FEATURES)]
    out[:, :3], out[:, 3:] = own[at], 0.0
    for b, request in enumerate(batch.requests):
        mine = request.state.praised
        if not len(mine):
            continue
        part = batch.part(b)
        likes, dislikes = mine[:TOPICS_MOST], mine[TOPICS_MOST:]
        net = (likes - dislikes) / (likes + dislikes + 1.0)
        out[part, 3] = lift[at[part]] @ net
        out[part, 4] = shape[at[part]] @ (likes / max(float(np.linalg.norm(likes)), 1e-9))
