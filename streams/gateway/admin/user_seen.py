"""What the store knows of one user, as people read it: items by their ids, actions by their names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from streams.learning.kept_slates import KeptSlate
from streams.ranking.slate import Slate
from streams.state.action_meaning import Meanings
from streams.state.consumed import BLOCKED, FORGOTTEN, UNKNOWN, Consumed
from streams.state.user_state import UserState

MERGED = {BLOCKED: "(never again)", UNKNOWN: "(unknown)", FORGOTTEN: "(not kept any more)"}
"""What is told of items whose action the state does not name any more."""


class HistoryEntry(msgspec.Struct):
    """An entry of the history. `item_id` is null where the store has no such row. `rating`: null for none."""

    item_id: str | None
    action: str
    rating: float | None
    ts: int


class HistoryItems(msgspec.Struct):
    """All items that the user has met. `exact`: which ones is known; else only hashes of them are, and
    `items` is empty. `by_action`: how many, by what the user did. `items`: those of a page, in no order;
    `next_from`: `met_from` of the next page, null after the last.
    """

    exact: bool
    total: int
    by_action: dict[str, int]
    items: list[str]
    next_from: int | None


class PlaceSeen(msgspec.Struct):
    """A place of a slate. `shown`: an impression says so. `answers`: what the user did there."""

    item_id: str | None
    shown: bool
    answers: list[str]


class SlateSeen(msgspec.Struct):
    """A slate that waits for answers, or was closed of late. Times are ms since the epoch; null for never."""

    slate_id: str
    ts: int
    arm: str
    model: str
    surface: str
    shown_ms: int | None
    closed_ms: int | None
    places: list[PlaceSeen]


class FeedPlace(msgspec.Struct):
    """A place of the stored feed. `reason`: its kind, `reason_item_id` the item that it refers to."""

    item_id: str
    score: float
    source: str
    reason: str
    reason_item_id: str | None
    propensity: float | None


class FeedSeen(msgspec.Struct):
    """The stored feed, as a worker made it."""

    slate_id: str
    ts: int
    model: str
    rung: str
    arm: str
    cause: str
    times: dict[str, float]
    places: list[FeedPlace]


class StateSeen(msgspec.Struct):
    """What is remembered of the user. `activity`: interactions, of which half are forgotten in
    `state.activity_half_life_s`. `offsets`: the last event of each partition that was applied.
    """

    interactions: int
    ratings: int
    mean_rating: float | None
    activity: float
    last_ts: int
    bytes: int
    profile: dict[str, str]
    offsets: dict[str, int]


class UserSeen(msgspec.Struct):
    """`state` is null for a user who has not acted, `feed` where there is none of their own. `arm`: what
    makes the user's slates now, of all experiments that run. `history` is the newest first.
    """

    user_id: str
    arm: str
    state: StateSeen | None
    history: list[HistoryEntry]
    met: HistoryItems
    feed: FeedSeen | None
    slates: list[SlateSeen]


def state_seen(state: UserState, size: int) -> StateSeen:
    """`size`: bytes of the stored state."""
    mean = state.rating_sum / state.rating_count if state.rating_count else None
    return StateSeen(
        state.interactions, state.rating_count, mean, state.activity, state.last_ts, size,
        state.profile, state.offsets,
    )  # fmt: skip


def history_seen(state: UserState, names: Mapping[int, str], meanings: Meanings) -> list[HistoryEntry]:
    """The newest first."""
    told = zip(
        state.items.tolist(),
        state.actions.tolist(),
        state.ratings.tolist(),
        state.times.tolist(),
        strict=True,
    )
    return [
        HistoryEntry(names.get(row), action_name(action, meanings), _number(rating), ts)
        for row, action, rating, ts in reversed([*told])
    ]


def met_rows(consumed: Consumed) -> list[int]:
    """The rows of all met items, ascending; empty where only hashes are known."""
    return [] if consumed.hash_bits else sorted({row for _, rows in consumed.groups for row in rows.tolist()})


def met_seen(
    consumed: Consumed,
    page: Sequence[int],
    names: Mapping[int, str],
    meanings: Meanings,
    next_from: int | None,
) -> HistoryItems:
    """`page`: the rows that are named."""
    return HistoryItems(
        not consumed.hash_bits,
        sum(len(rows) for _, rows in consumed.groups),
        {action_name(action, meanings): len(rows) for action, rows in consumed.groups},
        [names[row] for row in page if row in names],
        next_from,
    )


def slate_seen(slate: KeptSlate, names: Mapping[int, str], meanings: Meanings) -> SlateSeen:
    """The places in their order: as they were made, then what else was shown."""
    rows = list(dict.fromkeys((*slate.rows, *slate.shown)))
    answers: dict[int, list[str]] = {}
    for each in slate.answers:
        told = action_name(each.action, meanings)
        if (value := _number(each.value)) is not None:
            told += f" {value:g}"
        answers.setdefault(each.row, []).append(told)
    return SlateSeen(
        slate.slate_id, slate.ts, slate.arm, slate.model, slate.surface,
        slate.shown_ms if slate.shown_ms >= 0 else None,
        slate.closed_ms if slate.closed_ms >= 0 else None,
        [PlaceSeen(names.get(row), row in slate.shown, answers.get(row, [])) for row in rows],
    )  # fmt: skip


def feed_seen(slate: Slate) -> FeedSeen:
    """A stored feed."""
    likely: Sequence[float | None] = slate.propensities or [None] * len(slate.items)
    return FeedSeen(
        slate.slate_id, slate.ts, slate.model, slate.rung, slate.arm, slate.cause, slate.times,
        [
            FeedPlace(item.item_id, item.score, item.source, item.reason.kind, item.reason.item_id, chance)
            for item, chance in zip(slate.items, likely, strict=True)
        ],
    )  # fmt: skip


def action_name(code: int, meanings: Meanings) -> str:
    """An action by its code."""
    return meanings.name_of.get(code) or MERGED.get(code) or f"({code})"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
