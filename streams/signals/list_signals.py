"""What a list that an app shows says of its places, beside what the counters know of the items: where an item
stands, what the user did with it before, in this session and at all, and how its numbers (a price, say)
compare with those of the other places and of what the user met.

All of it comes from the user's state, the slates that are kept of them, and the list itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.actions import code_of
from model.schema import F32
from streams.learning.kept_slates import Slates
from streams.state.user_state import UserState

F64 = NDArray[np.float64]

CLICK = code_of("click")
SESSION_GAP_MS = 1_800_000
"""A session ends where its user does nothing for so long."""
PLACE = ("list_place", "list_first", "list_depth", "list_end", "list_last")
UNMET = ("list_place_unmet", "list_first_unmet", "list_depth_unmet", "list_end_unmet")
MET = ("met", "met_in_session", "met_last", "met_lately", "met_often", "met_share")
SINCE = ("met_since_choice", "met_last_since")
AROUND = ("list_below_last", "list_above_last", "list_near_last")
SLATES = ("list_seen", "list_answered")
FIELD = ("level", "rank", "near_met")


class ShownPlaces(NamedTuple):
    """n places: rows int32 [n] in their order; numbers float64 [n, F] of the `fields` (NaN: not told)."""

    rows: NDArray[np.int32]
    numbers: F64


def names_of(fields: Sequence[str]) -> tuple[str, ...]:
    """The columns of `list_signals` for lists with these fields."""
    of_fields = (f"list_{field}_{name}" for field in fields for name in FIELD)
    return (*PLACE, *UNMET, *MET, *SINCE, *AROUND, *SLATES, *of_fields)


def list_signals(
    places: ShownPlaces,
    state: UserState,
    kept: Slates,
    now_ms: int,
    known: Mapping[int, Sequence[float]],
    counts: F32,
) -> F32:
    """float32 [n, len(names_of(fields))], all finite. kept: the user's slates before this one. known: of
    items that were shown to anybody before, the numbers of their fields the last time. counts [CODES]: what
    each action counts (`Meanings.counts`); one that counts as much as a click is a choice.

    list_place: 1 / the root of the place, list_end: the same counted from the end, list_depth: from -0.5 for
    the first place to 0.5 for the last; `_unmet`: the same where the user has met nothing of the list in this
    session, else 0: then places count for more.
    met: the item is in the user's history; met_lately: 1 / the root of how many events ago; met_often: the
    logarithm of how often in this session, met_share: in what share of its events. met_since_choice: the user
    met it in this session after their last choice; met_last_since: the logarithm of how often, where it was
    the last one.
    list_below_last: the place below the item that the user met last, where the list has it; list_near_last:
    1 / the distance to it. list_seen: the logarithm of how many of the kept slates that wait for answers show
    the item, list_answered: it was answered on one.
    Of each field: its level against the list's mean in deviations, its rank from -0.5 (the lowest) to 0.5,
    and minus the distance to the mean of what the user met in this session, in logarithms where all numbers
    are above zero.
    """
    count = len(places.rows)
    session = session_of(state, now_ms)
    met = _met(places.rows, state, session)
    at = _places(count)
    unmet = 0.0 if met[1].any() else 1.0
    columns = [*at, *(unmet * each for each in at[: len(UNMET)]), *met]
    columns += _since(places.rows, session, state.actions[::-1][: len(session)], counts)
    columns += _around(places.rows, state, session)
    columns += _slates(places.rows, kept)
    told = [known[row] for row in dict.fromkeys(session.tolist()) if row in known]
    for k in range(places.numbers.shape[1]):
        columns += _field(places.numbers[:, k], np.array([numbers[k] for numbers in told], np.float64))
    return np.stack(columns, axis=1).astype(np.float32)


def session_of(state: UserState, now_ms: int) -> NDArray[np.int32]:
    """The rows of this session's events, the newest first; empty where the user comes after a pause."""
    times = np.append(state.times, now_ms)
    pauses = np.flatnonzero(np.diff(times) > SESSION_GAP_MS)
    begin = int(pauses[-1]) + 1 if len(pauses) else 0
    return state.items[begin:][::-1]


def chooses(actions: NDArray[np.uint8], counts: F32) -> NDArray[np.bool_]:
    """Which actions count as much as a click, so that they are choices and no looks."""
    choices: NDArray[np.bool_] = counts[actions] >= counts[CLICK]
    return choices


def _places(count: int) -> list[F64]:
    """Both ends of a list are looked at, so that an order and its reverse can be learned alike."""
    place = np.arange(count)
    return [
        1.0 / np.sqrt(place + 1.0),
        (place == 0).astype(np.float64),
        place / max(count - 1, 1) - 0.5 if count > 1 else np.zeros(1),
        1.0 / np.sqrt(count - place),
        (place == count - 1).astype(np.float64),
    ]


def _met(rows: NDArray[np.int32], state: UserState, session: NDArray[np.int32]) -> list[F64]:
    history = state.items[::-1].tolist()
    ago: dict[int, int] = {}
    for back, row in enumerate(history, 1):
        ago.setdefault(row, back)
    often: dict[int, int] = {}
    for row in session.tolist():
        often[row] = often.get(row, 0) + 1
    steps = np.array([ago.get(row, 0) for row in rows.tolist()], np.float64)
    times = np.array([often.get(row, 0) for row in rows.tolist()], np.float64)
    met = (steps > 0).astype(np.float64)
    return [
        met,
        (times > 0).astype(np.float64),
        (steps == 1).astype(np.float64),
        np.where(steps > 0, 1.0 / np.sqrt(np.maximum(steps, 1.0)), 0.0),
        np.log1p(times),
        times / max(len(session), 1),
    ]


def _since(
    rows: NDArray[np.int32], session: NDArray[np.int32], actions: NDArray[np.uint8], counts: F32
) -> list[F64]:
    """What the user looked at after their last choice in the session, newest first."""
    choices = np.flatnonzero(chooses(actions, counts))
    looked = session[: choices[0]] if len(choices) else session
    since = np.isin(rows, looked).astype(np.float64)
    last = np.log1p((looked == looked[0]).sum()) * (rows == looked[0]) if len(looked) else np.zeros(len(rows))
    return [since, last]


def _around(rows: NDArray[np.int32], state: UserState, session: NDArray[np.int32]) -> list[F64]:
    """Around the newest item of the session that the list has."""
    where = {row: at for at, row in enumerate(rows.tolist())}
    last = next((where[row] for row in session.tolist() if row in where), None)
    place = np.arange(len(rows), dtype=np.float64)
    if last is None:
        return [np.zeros(len(rows))] * 3
    distance = np.abs(place - last)
    near = np.where(distance > 0, 1.0 / np.maximum(distance, 1.0), 0.0)
    return [(place == last + 1).astype(np.float64), (place == last - 1).astype(np.float64), near]


def _slates(rows: NDArray[np.int32], kept: Slates) -> list[F64]:
    seen: dict[int, int] = {}
    answered: set[int] = set()
    for slate in kept:
        for row in slate.shown:
            seen[row] = seen.get(row, 0) + 1
        answered.update(answer.row for answer in slate.answers)
    return [
        np.log1p([float(seen.get(row, 0)) for row in rows.tolist()]),
        np.array([float(row in answered) for row in rows.tolist()]),
    ]


def _field(numbers: F64, met: F64) -> list[F64]:
    """Level, rank and nearness to what was met; 0 where nothing is told."""
    there, met = np.isfinite(numbers), met[np.isfinite(met)]
    zeros = np.zeros(len(numbers))
    if not there.any():
        return [zeros] * 3
    if numbers[there].min() > 0 and (not len(met) or met.min() > 0):
        numbers, met = np.log(np.where(there, numbers, 1.0)), np.log(met)
    told = numbers[there]
    deviation = float(told.std())
    level = np.where(there, (numbers - told.mean()) / deviation, 0.0) if deviation > 0 else zeros
    below = np.array([(told < number).sum() + (told <= number).sum() for number in told]) / 2
    rank = zeros.copy()
    rank[there] = (below - 0.5) / max(len(told) - 1, 1) - 0.5 if len(told) > 1 else 0.0
    near = np.where(there, -np.abs(numbers - met.mean()), 0.0) if len(met) else zeros
    return [np.clip(level, -10.0, 10.0), rank, np.clip(near, -10.0, 0.0)]
