"""One batch: events and states in; states, slates, items and a ledger record out. Nothing here waits.

An event that can't be applied is set aside in `Outcome.failed` and does not touch the others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import numpy as np

from model.schema import F32
from streams.catalog import ItemRecord, encode_item
from streams.events import AnyEvent, Click, Control, Impression, Item, Review, UserEvent
from streams.feed import Slate
from streams.ladder import Rung
from streams.ledger import Record
from streams.recommender import Recommender, items_of
from streams.training import Met
from streams.user_state import EMPTY, Delivery, UserState, action_of, repeats

NO_WORDS: Mapping[int, F32] = {}

Before = Callable[[str, UserState, int, Met], None]
"""Told of each interaction right before it is folded: the event's id, the state, the event's time, what was
met. It must not raise.
"""


class Incoming(NamedTuple):
    """A decoded event, where it came from, and when it was accepted (ms since the epoch)."""

    event: AnyEvent
    delivery: Delivery
    accepted_ms: float


@dataclass
class Outcome:
    """What a batch comes to.

    `withdrawn`: of each item that was put, whether it can't be had now. `applied`: the places in the batch of
    the events that changed something. `skipped`: places of those that were applied before, and why. `failed`:
    places of those that raised, and the error. `unranked`: users whose slate could not be made as the rung
    asks. `fold_s` and `recommend_s`: the time that took.
    """

    states: dict[str, UserState] = field(default_factory=dict)
    slates: list[Slate] = field(default_factory=list)
    items: dict[str, bytes] = field(default_factory=dict)
    withdrawn: dict[str, bool] = field(default_factory=dict)
    record: Record = field(default_factory=Record)
    applied: list[int] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    failed: dict[int, Exception] = field(default_factory=dict)
    unranked: dict[str, Exception] = field(default_factory=dict)
    fold_s: float = 0.0
    recommend_s: float = 0.0


def process(
    recommender: Recommender,
    batch: Sequence[Incoming],
    states: Mapping[str, UserState],
    now_ms: int,
    rung: Rung,
    words: Mapping[int, F32] = NO_WORDS,
    timer: Callable[[], float] = time.perf_counter,
    before: Before | None = None,
) -> Outcome:
    """Fold a batch in its order, then make one slate for each user who acted.

    states: of every user in the batch; a user without one is new. words: by place in the batch, the vector of
    a review's or an item's text. Every item named in the batch must have been met (`Recommender.meet`).
    before: see `Before`; not told of what is skipped, was consumed already or is of an item unknown till now.
    """
    out = Outcome()
    started = timer()
    causes: dict[str, Incoming] = {}
    for at, incoming in enumerate(batch):
        try:
            user = _fold(recommender, out, states, at, incoming, words.get(at), before)
            if user is not None:
                causes[user] = incoming
        except Exception as error:  # whatever it is, the other events must not suffer for it
            out.failed[at] = error
    folded = timer()
    out.slates = _slates(recommender, out, causes, now_ms, rung)
    out.fold_s, out.recommend_s = folded - started, timer() - folded
    return out


def rounded(words: F32) -> F32:
    """Vectors as they are stored and told to other processes (float16), so that all compute the same."""
    return words.astype(np.float16).astype(np.float32)


def _fold(
    recommender: Recommender,
    out: Outcome,
    states: Mapping[str, UserState],
    at: int,
    incoming: Incoming,
    words: F32 | None,
    before: Before | None,
) -> str | None:
    """Apply one event; the user who gets a new slate for it, if any."""
    event = incoming.event
    match event:
        case Control():
            out.record = replace(out.record, activate=event.model)
            out.applied.append(at)
            return None
        case Item():
            row = recommender.catalog.rows[event.item_id]
            record = item_record(event, words)
            if recommender.put_item(row, record):
                packed = encode_item(record)
                out.items[event.item_id] = packed
                out.withdrawn[event.item_id] = not record.available
                out.record.items.append((row, packed))
                out.applied.append(at)
            else:
                out.skipped[at] = "older"
            return None
    state = out.states.get(event.user_id)
    if state is None:
        state = states.get(event.user_id, EMPTY)
    if before is not None:
        _tell(before, recommender, state, event, incoming.delivery)
    applied = recommender.apply(state, event, incoming.delivery, words)
    out.states[event.user_id] = applied.state
    if applied.skipped is not None:
        out.skipped[at] = applied.skipped
        return None
    out.applied.append(at)
    if isinstance(event, Impression):
        rows = [recommender.catalog.rows[item_id] for item_id in items_of(event)]
        out.record.impressions.append(np.array(rows, np.int32))
    if applied.interaction is None:
        return None
    out.record.interactions.append(applied.interaction)
    if words is not None:
        out.record.heard.append((applied.interaction.row, words))
    return event.user_id


def _tell(
    before: Before, recommender: Recommender, state: UserState, event: UserEvent, delivery: Delivery
) -> None:
    if not isinstance(event, Click | Review) or repeats(state, event, delivery) is not None:
        return
    row = recommender.catalog.rows[event.item_id]
    if recommender.knows(row) and not recommender.met_for_good(state, row):
        rating = event.rating if isinstance(event, Review) and event.rating is not None else math.nan
        before(event.event_id, state, event.ts, Met(row, action_of(event), rating))


def _slates(
    recommender: Recommender, out: Outcome, causes: Mapping[str, Incoming], now_ms: int, rung: Rung
) -> list[Slate]:
    """A slate for each user in `causes`; where that fails, one by one, and from the counters alone."""
    users = {user: out.states[user] for user in causes}
    ids = {user: incoming.event.event_id for user, incoming in causes.items()}
    try:
        slates = recommender.recommend(users, now_ms, rung, ids)
    except Exception:  # one user's slate, or the model: find out whose
        slates = []
        for user, state in users.items():
            slates += _slate_of(recommender, out, user, state, now_ms, rung, ids)
    return [msgspec.structs.replace(slate, times=_times(causes[slate.user_id], now_ms)) for slate in slates]


def _slate_of(
    recommender: Recommender,
    out: Outcome,
    user: str,
    state: UserState,
    now_ms: int,
    rung: Rung,
    causes: Mapping[str, str],
) -> list[Slate]:
    steps: tuple[Rung, ...] = (rung, "counters") if rung in ("full", "fewer") else (rung,)
    for step in steps:
        try:
            return recommender.recommend({user: state}, now_ms, step, causes)
        except Exception as error:  # the state is right; only this feed stays as it was
            out.unranked[user] = error
    return []


def _times(incoming: Incoming, now_ms: int) -> dict[str, float]:
    return {"event": incoming.event.ts, "accepted": incoming.accepted_ms, "applied": now_ms}


def item_record(event: Item, words: F32 | None) -> ItemRecord:
    """What is stored of an item event."""
    return ItemRecord(
        item_id=event.item_id,
        ts=event.ts,
        available=event.available,
        text=b"" if words is None else words.astype(np.float16).tobytes(),
        title=event.title,
        categories=event.categories,
        price=event.price,
        tags=event.tags,
        image=_packed(event.image_vector),
        audio=_packed(event.audio_vector),
    )


def _packed(vector: Sequence[float] | None) -> bytes:
    """As it is stored: of length 1, float16; b"" for none."""
    if not vector:
        return b""
    values = np.asarray(vector, np.float64)
    length = np.linalg.norm(values)
    return (values / length if length > 0 else values).astype(np.float16).tobytes()
