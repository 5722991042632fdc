"""What `explained` says is what leaving out gives, of the slate that is served."""

from __future__ import annotations

import pytest

from model.errors import DataError, ModelError
from streams.attribution import explained
from streams.ranking.leave_one_out import drops
from streams.state.user_state import UserState
from tests.streams.conftest import Small


def user_of(small: Small) -> tuple[UserState, int]:
    """The user who knows most, at the time of the next event."""
    state = max(small.run.states.values(), key=lambda each: each.interactions)
    return state, int(small.run.stream.interactions.ts_ms[small.run.at])


def test_the_first_places_with_their_parts(followed: Small) -> None:
    core, (state, now_ms) = followed.run.recommender, user_of(followed)
    found = explained(core, state, now_ms, places=3, history=4)
    draft = core.draft(core.request(state, now_ms))
    served = core.slate(draft).items[:3]
    assert [each.item_id for each in found] == [each.item_id for each in served]
    assert [each.reason for each in found] == [each.reason for each in served]
    assert [round(each.score, 6) for each in found] == [each.score for each in served]
    recent = [core.catalog.ids[row] for row in draft.history[:4]]
    fallen = drops(
        core.pipeline,
        draft,
        draft.order[:3].tolist(),
        draft.history[:4].tolist(),
        core.settings.state,
    )
    for k, place in enumerate(found):
        worth = [part for _, part in place.worth]
        assert worth == sorted(worth, reverse=True)
        assert dict(place.worth) == pytest.approx(dict(zip(recent, fallen[:, k].tolist(), strict=True)))


def test_one_item_on_the_slate_or_off_it(followed: Small) -> None:
    core, (state, now_ms) = followed.run.recommender, user_of(followed)
    first = explained(core, state, now_ms, places=1)[0]
    (again,) = explained(core, state, now_ms, first.item_id)
    assert (again.item_id, again.reason) == (first.item_id, first.reason)
    met = core.catalog.ids[int(state.items[0])]
    (off,) = explained(core, state, now_ms, met)
    assert (off.item_id, off.reason) == (met, None)


def test_what_can_not_be_explained_is_said(followed: Small) -> None:
    core, (state, now_ms) = followed.run.recommender, user_of(followed)
    with pytest.raises(DataError, match="'x' was never met"):
        explained(core, state, now_ms, "x")
    with pytest.raises(DataError, match="no item yet"):
        explained(core, UserState(), now_ms)
    model = core.pipeline.models.active
    core.serve(None)
    try:
        with pytest.raises(ModelError, match="no model is in service"):
            explained(core, state, now_ms)
    finally:
        core.serve(model)
