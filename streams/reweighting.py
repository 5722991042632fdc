"""From the heads of the model to one score: the click logit, moved by the expected rating."""

from __future__ import annotations

from streams.draft import Draft


def reweight(draft: Draft, rating_weight: float, mean_rating: float) -> None:
    """Write `score`: click + rating_weight * (rating - mean_rating)."""
    draft.score = draft.click + rating_weight * (draft.rating - mean_rating)
