"""From the heads of the model to one score: the click logit, moved by the rating and by further tasks."""

from __future__ import annotations

import numpy as np

from streams.ranking.draft import Draft
from streams.settings.sections import FeedSettings


def reweight(draft: Draft, settings: FeedSettings, mean_rating: float) -> None:
    """Write `score`: click + rating_weight * (rating - mean_rating) + the sum over `task_weights` of weight *
    log(sigmoid(logit)). Weights are exponents of probabilities: click * like ** w, as a logarithm.
    """
    draft.score = draft.click + settings.rating_weight * (draft.rating - mean_rating)
    for name, weight in settings.task_weights.items():
        if name in draft.more:
            unlikely = np.logaddexp(np.float32(0), -draft.more[name])  # -log(sigmoid(logit))
            draft.score = (draft.score - weight * unlikely).astype(np.float32)
