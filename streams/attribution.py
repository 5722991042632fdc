"""A user's slate with what each history item is worth to each score: exact, for those who ask."""

from __future__ import annotations

from typing import NamedTuple

from model.errors import DataError, ModelError
from streams.ranking.leave_one_out import drops
from streams.ranking.slate import Reason
from streams.recommender import Recommender
from streams.settings.tree import DEFAULT_ARM
from streams.state.user_state import UserState


class Place(NamedTuple):
    """One recommendation: the feed's reason (None: it is not on the slate), and (item id, how far the score
    falls without it) of the items met lately, the most first.
    """

    item_id: str
    score: float
    reason: Reason | None
    worth: list[tuple[str, float]]


def explained(
    recommender: Recommender,
    state: UserState,
    now_ms: int,
    item_id: str | None = None,
    places: int = 5,
    history: int = 10,
    arm: str = DEFAULT_ARM,
) -> list[Place]:
    """The first `places` of the slate, or `item_id` alone, without each of the last `history` items; as the
    arm makes it.

    Raises `DataError` for an unknown item or an empty history, `ModelError` where no model is in service.
    """
    catalog, pipeline = recommender.catalog, recommender.pipeline
    if pipeline.models.active is None:
        raise ModelError("no model is in service, so no score has parts; train one and activate it")
    if item_id is not None and item_id not in catalog.rows:
        raise DataError(f"item {item_id!r} was never met nor announced; pass the id of one that was")
    recent = list(dict.fromkeys(state.items[::-1].tolist()))[:history]
    if not recent:
        raise DataError("this user has met no item yet: there is nothing to leave out")
    also = () if item_id is None else (catalog.rows[item_id],)
    draft = recommender.draft(recommender.request(state, now_ms, arm=arm, score_also=also))
    reasons = dict(zip(draft.order.tolist(), draft.reasons or (), strict=True))
    shown = draft.order[:places].tolist()
    if item_id is not None:
        shown = [draft.rows.tolist().index(catalog.rows[item_id])]
    worth = drops(pipeline, draft, shown, recent, recommender.settings.state)
    found = []
    for k, at in enumerate(shown):
        order = (-worth[:, k]).argsort(kind="stable").tolist()
        parts = [(catalog.ids[recent[place]], float(worth[place, k])) for place in order]
        found.append(Place(catalog.ids[int(draft.rows[at])], float(draft.score[at]), reasons.get(at), parts))
    return found
