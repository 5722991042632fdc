"""A user with what they did before they were known by name: the events of a session, under its own id."""

from __future__ import annotations

import math

import numpy as np
from msgspec.structs import replace

from streams.state.user_state import StateSettings, UserState


def with_session(user: UserState, session: UserState, settings: StateSettings) -> UserState:
    """The user's state with the history of the session in it, each event at its time. What keeps items from
    coming back stays the user's own; the words of reviews are the user's, where there are any; of the two
    searches it is the later one.
    """
    if not len(session.items):
        return user
    times = np.concatenate([user.times, session.times])
    order = np.argsort(times, kind="stable")[-settings.history :]
    last_ts = max(user.last_ts, session.last_ts)

    def faded(state: UserState) -> float:
        half_lives = (last_ts - state.last_ts) / 1_000 / settings.activity_half_life_s
        return state.activity * math.exp2(-half_lives)

    worded = user if len(user.words) else session
    later = session if session.searched_ms > user.searched_ms else user
    return replace(
        user,
        items=np.concatenate([user.items, session.items])[order],
        actions=np.concatenate([user.actions, session.actions])[order],
        ratings=np.concatenate([user.ratings, session.ratings])[order],
        times=times[order],
        interactions=user.interactions + session.interactions,
        rating_count=user.rating_count + session.rating_count,
        rating_sum=user.rating_sum + session.rating_sum,
        activity=faded(user) + faded(session),
        last_ts=last_ts,
        words=worded.words,
        words_weight=worded.words_weight,
        liked=worded.liked,
        profile={**session.profile, **user.profile},
        searched=later.searched,
        searched_ms=later.searched_ms,
    )
