"""/v1/admin/users: all that is known of one user, and why their slate is as it is.

The id is a parameter, not a part of the path: ids may have slashes in them.
"""

from __future__ import annotations

import uuid
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from streams.clock import Clock
from streams.experiments.registry.state import decode as decode_registry
from streams.gateway.admin.replies import READ, StoreCalls
from streams.gateway.admin.row_names import row_names
from streams.gateway.admin.user_seen import (
    UserSeen,
    feed_seen,
    history_seen,
    met_rows,
    met_seen,
    slate_seen,
    state_seen,
)
from streams.gateway.answers import json_answer, response
from streams.gateway.feeds import NO_STORE, USER_ID_MAX
from streams.gateway.ranking.on_request import UNANSWERED, OnRequest
from streams.gateway.ranking.slate_routes import (
    HISTORY_MOST,
    PLACES_MOST,
    Explanation,
    explanation,
)
from streams.learning import kept_slates_codec
from streams.ranking.slate import decode as decode_slate
from streams.serving.ranker_asked import Asked
from streams.settings.tree import DEFAULT_ARM, Settings
from streams.state import user_state_codec
from streams.state.user_state import UserState
from streams.stores.base import Store

PATH = "/v1/admin/users"
MET_A_PAGE = 100
ROWS_MOST = 2**31 - 1
UserParameter = Annotated[
    str, QueryParameter(description="The user's id.", min_length=1, max_length=USER_ID_MAX)
]


class Users:
    """What the routes share. Raises `ProblemError`."""

    def __init__(self, settings: Settings, store: Store, on_request: OnRequest, clock: Clock) -> None:
        self._settings, self._store, self._on_request, self._clock = settings, store, on_request, clock
        self._calls = StoreCalls(settings.gateway)

    async def seen(self, user: str, met_from: int = 0) -> UserSeen:
        """All that the store knows; `met_from`: at which of the met items their page begins."""
        meanings = self._settings.meanings
        async with self._calls.answering():
            loaded = await self._store.load([user], [], [user])
            raw_feed, registry = await self._store.feed(user), await self._store.experiments()
            (raw,) = loaded.states
            state = user_state_codec.decode(raw)
            kept = kept_slates_codec.decode(loaded.slates[0])
            feed = None if raw_feed is None else decode_slate(raw_feed)
            met = met_rows(state.consumed)
            page = met[met_from : met_from + MET_A_PAGE]
            named = [*state.items.tolist(), *page]
            named += [row for slate in kept.slates for row in (*slate.rows, *slate.shown)]
            names = await row_names(self._store, named)
        after = met_from + MET_A_PAGE
        return UserSeen(
            user,
            self._arm(user, state, registry),
            None if raw is None else state_seen(state, len(raw)),
            history_seen(state, names, meanings),
            met_seen(state.consumed, page, names, meanings, after if after < len(met) else None),
            None if feed is None else feed_seen(feed),
            [slate_seen(slate, names, meanings) for slate in reversed(kept.slates)],
        )

    async def why(self, user: str, places: int, history: int) -> Explanation:
        """The user's slate as it is ranked now, and why it is as it is. Nothing counts as shown."""
        ranker = self._on_request.ranker
        asked = Asked(user, size=places, cause=f"why-{uuid.uuid4().hex}")
        answer = await self._on_request.answered(ranker.slate(asked))
        return await explanation(self._on_request, answer, places, history)

    def _arm(self, user: str, state: UserState, registry: bytes | None) -> str:
        """The arms of the experiments that run, as the registry has them."""
        if registry is None:
            return DEFAULT_ARM
        # Imported here: its draws are compiled, and most gateways never need them.
        from streams.experiments.assignment.assignment import Assignment

        drawn = Assignment(decode_registry(registry), salt=self._settings.namespace)
        return drawn.arms(user, state, self._clock.now_ms())


def user_admin_routes(users: Users) -> list[HTTPRouteHandler]:
    """The routes."""

    @get(
        f"{PATH}/state",
        summary="All that is known of a user",
        description=(
            "State, history, met items, the stored feed, kept slates with what was shown and answered, and "
            "the arms of the experiments that run. A user who never acted has no `state`."
        ),
        tags=["users"],
        responses=READ,
    )
    async def get_user_state(
        user_id: UserParameter,
        met_from: Annotated[
            int, QueryParameter(description="`next_from` of the page before.", ge=0, le=ROWS_MOST)
        ] = 0,
    ) -> Response[UserSeen]:
        return response(json_answer(200, await users.seen(user_id, met_from), headers=NO_STORE))

    @get(
        f"{PATH}/why",
        summary="Why a user's slate is as it is",
        description=(
            "The slate is ranked now. Of each of its first `places`: what its score is the sum of, exactly, "
            "and what the last `history` items that the user met are worth to it. Nothing counts as shown."
        ),
        tags=["users"],
        responses={**READ, **UNANSWERED},
    )
    async def explain_user(
        user_id: UserParameter,
        places: Annotated[int, QueryParameter(description="How many.", ge=1, le=PLACES_MOST)] = 10,
        history: Annotated[int, QueryParameter(description="How many.", ge=0, le=HISTORY_MOST)] = 5,
    ) -> Response[Explanation]:
        return response(json_answer(200, await users.why(user_id, places, history), headers=NO_STORE))

    return [get_user_state, explain_user]
