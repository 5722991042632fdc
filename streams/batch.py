"""One batch: events and states in; states, slates, items and a ledger record out. Nothing here waits.

An event that can't be applied is set aside in `BatchResult.failed` and does not touch the others.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec

from streams.batch_slates import slates_of
from streams.events.schema import AnyEvent, Control, Forget, Impression, Item, User, unknown_command
from streams.examples.target import Target, target_of
from streams.experiments.arm_totals import Increments
from streams.experiments.measured import NOTHING_MEASURED, Measured
from streams.learning.kept_slates import NOTHING_KEPT, UserSlates
from streams.learning.lesson import Lesson, encode_lesson, without_user
from streams.measuring import Measuring
from streams.ranking.degradation import Rung
from streams.ranking.slate import Slate
from streams.recommender import Recommender
from streams.settings.tree import DEFAULT_ARM
from streams.state.catalog import encode_item
from streams.state.event_meaning import NO_VECTORS, Vectors, item_record
from streams.state.fold import Delivery, is_forgotten, repeats
from streams.state.ledger import Record
from streams.state.tombstone import digest_of_user
from streams.state.user_state import EMPTY, UserState
from streams.triggering import beside, triggered

Before = Callable[[str, UserState, int, Target], None]
"""Told of each interaction right before it is folded: the event's id, the state without what is later, the
event's time, what was met. It must not raise.
"""


class Incoming(NamedTuple):
    """A decoded event, where it came from, when it was accepted (ms since the epoch), its texts as vectors,
    and when it `passed` what it went through since.
    """

    event: AnyEvent
    delivery: Delivery
    accepted_ms: float
    vectors: Vectors = NO_VECTORS
    passed: Mapping[str, float] = {}


@dataclass
class BatchResult:
    """What a batch comes to.

    `withdrawn`: of each item that was put, whether it can't be had now. `applied`: the places in the batch of
    the events that changed something. `skipped`: places of those that were applied before, and why. `failed`:
    places of those that raised, and the error. `unranked`: users whose slate could not be made as the rung
    asks. `kept`: the slates that are kept of each user, where they changed. `forgotten`: users who were
    deleted, and the state that this left, before anything came of them since. `answers`, `showings`,
    `lessons`: how many there are of each kind. `late`: how many interactions came after a later one of their
    user. `arm_sums`: what is added to experiments' sums. `fold_s` and `recommend_s`: the time that took.
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
    kept: dict[str, UserSlates] = field(default_factory=dict)
    forgotten: dict[str, UserState] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    showings: Counter[str] = field(default_factory=Counter)
    lessons: Counter[str] = field(default_factory=Counter)
    late: int = 0
    arm_sums: Increments = field(default_factory=dict)
    fold_s: float = 0.0
    recommend_s: float = 0.0


def process(
    recommender: Recommender,
    batch: Sequence[Incoming],
    states: Mapping[str, UserState],
    now_ms: int,
    rung: Rung,
    timer: Callable[[], float] = time.perf_counter,
    before: Before | None = None,
    kept: Mapping[str, UserSlates] | None = None,
    passed: Mapping[str, float] | None = None,
    arm_of: Callable[[str, UserState, int], str] | None = None,
    measured: Measured = NOTHING_MEASURED,
    stages_of: Rung | None = None,
) -> BatchResult:
    """Fold a batch in its order, then make one slate for each user who acted.

    states: of every user in the batch; a user without one is new. kept: likewise, their kept slates. Every
    item named in the batch must have been met (`Recommender.meet`). before: see `Before`; not told of what is
    skipped or teaches nothing (`streams.examples.target.target_of`). passed: when the batch passed what it
    went through so far, the last of it "applied"; it is `now_ms` where nothing is said. arm_of: the arm of a
    user's slate, by their state and the time; the default one for all where it is not given. measured: the
    experiments that run; where there are any, an impression changes its user's state too, which then must be
    among `states`. stages_of: see `Recommender.request`.
    """
    out = BatchResult()
    measuring = Measuring(recommender, measured, now_ms) if measured else None
    started = timer()
    causes: dict[str, Incoming] = {}
    for at, incoming in enumerate(batch):
        try:
            user = _fold(recommender, out, states, kept or {}, at, incoming, now_ms, before, measuring)
            if user is not None:
                causes[user] = incoming
            elif isinstance(incoming.event, Forget) and at not in out.skipped:
                causes.pop(incoming.event.user_id, None)
        except Exception as error:  # whatever it is, the other events must not suffer for it
            out.failed[at] = error
    folded = timer()
    made = _slates(recommender, out, kept or {}, causes, now_ms, (rung, stages_of), arm_of or _default)
    if measuring is not None:
        out.arm_sums = measuring.increments(states, out.states)
    passed = passed or {"applied": now_ms}
    out.slates = [
        msgspec.structs.replace(slate, times=_times(causes[slate.user_id], passed)) for slate in made
    ]
    out.fold_s, out.recommend_s = folded - started, timer() - folded
    return out


def _fold(
    recommender: Recommender,
    out: BatchResult,
    states: Mapping[str, UserState],
    kept: Mapping[str, UserSlates],
    at: int,
    incoming: Incoming,
    now_ms: int,
    before: Before | None,
    measuring: Measuring | None,
) -> str | None:
    """Apply one event; the user who gets a new slate for it, if any."""
    event, vectors = incoming.event, incoming.vectors
    match event:
        case Control(command="activate_model"):
            out.record = replace(out.record, activate=event.model)
            out.applied.append(at)
            return None
        case Control():
            raise unknown_command(event)
        case Item():
            row = recommender.catalog.rows[event.item_id]
            arrived_ms = _arrived_ms(incoming, now_ms, recommender.settings.events.max_early_ms)
            added_ms = recommender.catalog.first_announced(row, min(event.ts, arrived_ms))
            record = recommender.announce(row, item_record(event, vectors, added_ms), arrived_ms)
            if record is not None:
                packed = encode_item(record)
                out.items[event.item_id] = packed
                out.withdrawn[event.item_id] = not record.available
                out.record.items.append((row, packed))
                if recommender.catalog.own_text[row]:  # what reviews said of it so far is void
                    out.record.heard[:] = [each for each in out.record.heard if each[0] != row]
                out.applied.append(at)
            else:
                out.skipped[at] = "older"
            return None
        case Impression():
            slates = _kept(out, kept, event.user_id)
            if is_forgotten(slates.forgotten_ms, event.ts, incoming.delivery):
                out.skipped[at] = "forgotten"
                return None
            showing = recommender.show(slates, event)
            _take(out, event.user_id, slates, showing.kept, showing.lessons)
            out.showings[showing.outcome] += 1
            if showing.showing is None:
                out.skipped[at] = "duplicate" if showing.outcome == "duplicate" else "shown"
            else:
                out.record.impressions.append(showing.showing)
                out.applied.append(at)
                if measuring is not None:
                    state = _state(out, states, event.user_id)
                    out.states[event.user_id] = measuring.showed(
                        state, event, showing.showing, showing.outcome, showing.kept
                    )
            return None
    state = _state(out, states, event.user_id)
    slates = _kept(out, kept, event.user_id)
    if isinstance(event, Forget):
        _forget(recommender, out, at, state, event, incoming.delivery)
        return None
    if before is not None and repeats(state, event, incoming.delivery) is None:
        met = target_of(recommender, state, event, vectors, slates)
        if met is not None:
            before(event.event_id, state.until(event.ts), event.ts, met)
    applied = recommender.apply(
        state, event, incoming.delivery, vectors.words, slates, vectors.opinion, vectors.searched
    )
    if measuring is not None and applied.interaction is not None and not isinstance(event, User):
        applied = applied._replace(state=measuring.acted(state, applied.state, applied.interaction))
    if applied.skipped is not None:
        out.skipped[at] = applied.skipped
        if applied.state is not state:
            out.states[event.user_id] = applied.state
        return None
    out.states[event.user_id] = applied.state
    out.applied.append(at)
    if applied.interaction is None or isinstance(event, User):
        return None
    answer = recommender.join(slates, event, applied.interaction, applied.joined)
    _take(out, event.user_id, slates, answer.kept, answer.lessons)
    if measuring is not None:
        out.states[event.user_id] = measuring.voted(
            applied.state, answer.slate, applied.interaction, answer.outcome
        )
    out.answers[answer.outcome] += 1
    out.record.interactions.append(answer.interaction)
    out.late += event.ts < state.last_ts
    done, said = applied.interaction, vectors.words
    if said is not None and done.share > 0.0 and not recommender.catalog.own_text[done.row]:
        out.record.heard.append((done.row, said))
    if vectors.opinion is not None and done.share > 0.0:
        out.record.opinions.append((done.row, vectors.opinion))
    return event.user_id


def _forget(
    recommender: Recommender, out: BatchResult, at: int, state: UserState, event: Forget, delivery: Delivery
) -> None:
    """Nothing is left of a user: what the batch has of them so far loses their name."""
    user = event.user_id
    applied = recommender.apply(state, event, delivery, None)
    out.states[user] = applied.state
    if applied.skipped is not None:
        out.skipped[at] = applied.skipped
        return
    out.forgotten[user] = applied.state
    out.kept[user] = UserSlates(forgotten_ms=applied.state.forgotten_ms)
    record = out.record
    record.interactions[:] = [
        each._replace(user="") if each.user == user else each for each in record.interactions
    ]
    record.impressions[:] = [
        each._replace(user="") if each.user == user else each for each in record.impressions
    ]
    record.lessons[:] = [without_user(raw, user) for raw in record.lessons]
    record.forgotten.append(digest_of_user(user))
    out.applied.append(at)


def _state(out: BatchResult, states: Mapping[str, UserState], user: str) -> UserState:
    state = out.states.get(user)
    return states.get(user, EMPTY) if state is None else state


def _default(_user: str, _state: UserState, _now_ms: int) -> str:
    return DEFAULT_ARM


def _kept(out: BatchResult, kept: Mapping[str, UserSlates], user: str) -> UserSlates:
    return out.kept[user] if user in out.kept else kept.get(user, NOTHING_KEPT)


def _take(
    out: BatchResult, user: str, before: UserSlates, slates: UserSlates, lessons: Sequence[Lesson]
) -> None:
    """What became of a user's kept slates, where anything did."""
    if slates is not before:
        out.kept[user] = slates
    for lesson in lessons:
        out.record.lessons.append(encode_lesson(lesson))
        out.lessons[lesson.kind] += 1


def _slates(
    recommender: Recommender,
    out: BatchResult,
    kept: Mapping[str, UserSlates],
    causes: Mapping[str, Incoming],
    now_ms: int,
    rungs: tuple[Rung, Rung | None],
    arm_of: Callable[[str, UserState, int], str],
) -> list[Slate]:
    """Make a slate for each user in `causes`, and keep what it looks like."""
    requests = [
        recommender.request(
            out.states[user],
            now_ms,
            rung=rungs[0],
            stages_of=rungs[1],
            arm=arm_of(user, out.states[user], now_ms),
            user=user,
            cause=incoming.event.event_id,
            trial=True,
        )
        for user, incoming in causes.items()
    ]
    compared = beside(recommender, requests)
    slates, looks, unranked = triggered(recommender, slates_of(recommender, requests), compared)
    out.unranked |= unranked
    for slate, look in zip(slates, looks, strict=True):
        before = _kept(out, kept, slate.user_id)
        try:
            step = recommender.keep(slate.user_id, before, look)
        except Exception as error:  # the slate stands; only its looks are not kept
            out.unranked[slate.user_id] = error
        else:
            _take(out, slate.user_id, before, step.kept, step.lessons)
    return slates


def _arrived_ms(incoming: Incoming, now_ms: int, ahead_ms: int) -> int:
    """When an event arrived: what is said of it, if that can be; else now.

    It was not in the future, and not so long before the event's own time that it would have been refused.
    """
    told = incoming.accepted_ms
    return int(told) if incoming.event.ts - ahead_ms <= told < now_ms else now_ms


def _times(incoming: Incoming, passed: Mapping[str, float]) -> dict[str, float]:
    return {"event": incoming.event.ts, "accepted": incoming.accepted_ms, **incoming.passed, **passed}
