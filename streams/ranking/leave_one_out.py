"""What a history item was worth to a score: the user's state without it, and the same candidates again.

Leaving one out is exact: everything that the state feeds (pair signals, text taste, ranks, attention, gaps)
is made anew. What the event taught the shared counters stays, as it would for any other user, and so do the
words of a review: their running mean does not remember its parts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.draft import Draft
from streams.ranking.pipeline import Pipeline
from streams.state.user_state import StateSettings, UserState


def without(state: UserState, row: int, settings: StateSettings) -> UserState:
    """The state as if its remembered events had not met `row`; it stays consumed: it is no candidate."""
    kept = state.items != row
    gone = ~kept
    ratings = state.ratings[gone]
    rated = ~np.isnan(ratings)
    age_s = (state.last_ts - state.times[gone]) / 1_000
    activity = state.activity - float((0.5 ** (age_s / settings.activity_half_life_s)).sum())
    times = state.times[kept]
    return replace(
        state,
        items=state.items[kept],
        actions=state.actions[kept],
        ratings=state.ratings[kept],
        times=times,
        interactions=max(state.interactions - int(gone.sum()), 0),
        rating_count=max(state.rating_count - int(rated.sum()), 0),
        rating_sum=state.rating_sum - float(ratings[rated].sum()),
        activity=max(activity, 0.0),
    )


def drops(
    pipeline: Pipeline, draft: Draft, places: Sequence[int], items: Sequence[int], settings: StateSettings
) -> F32:
    """How far each score falls when one item was never met: [len(items), len(places)].

    draft: one that was ranked; places: indices into its rows; items: rows of the user's history.
    """
    # An adapted score depends on all the candidates beside it, so all of them are scored again.
    at = np.arange(len(draft.rows)) if draft.adapted else np.asarray(places, np.intp)
    rows = draft.rows[at]
    request = replace(draft.request, score_also=tuple(rows.tolist()), complete=False, explain=False)
    states = [draft.state, *(without(draft.state, item, settings) for item in items)]
    batch = pipeline.gather([replace(request, state=state) for state in states])
    kept = batch.keep([(each.number, _places(each, rows)) for each in batch.drafts()])
    if draft.adapted:
        kept.requests = [replace(each, score_also=draft.request.score_also) for each in kept.requests]
    pipeline.order(kept)
    scores = np.stack([each.score for each in kept.drafts()])
    if draft.adapted:
        scores = scores[:, np.asarray(places, np.intp)]
    return np.asarray(scores[0] - scores[1:], np.float32)


def _places(draft: Draft, rows: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where `rows` stand in a draft that was asked for them: in its pool, else at its end."""
    pool = draft.placed
    where = {int(row): at for at, row in enumerate(draft.rows[:pool])}
    return np.array([where.get(int(row), pool + k) for k, row in enumerate(rows)], np.intp)
