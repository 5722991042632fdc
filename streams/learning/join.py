"""The join: each step takes a user's kept slates and gives those that they become. Times are the events'.

    made      a slate was made for the user
    shown     an impression: it only marks a slate as shown
    answered  a click or a review is joined with the slate that it came from
    closed    what has waited long enough, or fell off the bound, becomes a lesson

Rules of answers, each counted under its name (`ANSWERS`):
- joined: the slate waits, and shows the item. A slate that nothing was told of but that it was made was shown
  all the same, since it was answered: `unshown`.
- repeated: the same action on the same place again. The first one stands, with the greater of the values;
  of reviews, the newest one that has a rating.
- full: the slate has `ANSWERS_MAX` answers. late: the slate was closed before.
- absent: the event names a slate that does not show the item. unknown: it names one that is not kept.
  It is joined with no other: what the app says is not reinterpreted.
- unattributed: it names none, and no waiting slate shows the item.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from model.actions import code_of
from streams.learning.kept_slates import (
    ANSWERS_MAX,
    NEVER,
    NO_TEAM,
    PLACES_MAX,
    TEAMS,
    Answer,
    KeptSlate,
    Slates,
    fitted,
)
from streams.learning.lesson import Lesson, lesson_of
from streams.learning.slate_ids import made_id

REVIEW = code_of("review")
JOINED = ("joined", "unshown", "repeated")
ANSWERS = (*JOINED, "full", "late", "absent", "unknown", "unattributed")
SHOWINGS = ("shown", "more", "again", "full", "late", "duplicate")
EARLY_MS = 5_000
"""So much earlier than its slate an answer may seem to be, since the clocks of app and worker differ."""


class JoinedImpression(NamedTuple):
    """`fresh`: where in the impression those rows stand that it is the first to show of its slate. `outcome`,
    of `SHOWINGS`: "shown" for the first one of a slate, "more" where it adds places, "again" where it adds
    none; "full" where the slate has `PLACES_MAX` already, "late" where it was closed after this showing.
    ("duplicate": its event id came before, see `steps`.)
    """

    slates: Slates
    fresh: Sequence[int]
    outcome: str


class JoinedAnswer(NamedTuple):
    """`slate`: the one that it came from, None where that is not told. `outcome` is one of `ANSWERS`."""

    slates: Slates
    slate: KeptSlate | None
    outcome: str


class ClosedSlates(NamedTuple):
    """Slates that go on waiting, and the lessons of those that don't."""

    slates: Slates
    lessons: list[Lesson]


def made(slates: Slates, slate: KeptSlate) -> Slates:
    """With a slate that was made just now."""
    return (*[each for each in slates if each.slate_id != slate.slate_id], slate)


def shown(
    slates: Slates,
    slate_id: str,
    ts: int,
    rows: Sequence[int],
    propensities: Sequence[float] = (),
    arm: str = "default",
    model: str = "",
    surface: str = "",
    teams: Sequence[int] = (),
) -> JoinedImpression:
    """Mark a slate as shown. `propensities`, `teams`: as many as `rows`, or none.

    A slate that is shown again adds the places that it did not have: a feed is first read short, then long.
    So an impression that comes twice marks nothing new, whatever its event id. A slate that no worker made is
    known from here on.
    """
    at = index_of(slates, slate_id)
    if at < 0:
        slate = KeptSlate(slate_id=slate_id, ts=ts, arm=arm, model=model)
        slates, at = (*slates, slate), len(slates)
    slate = slates[at]
    if ts <= slate.closed_ms:
        return JoinedImpression(slates, (), "late")
    known = set(slate.shown)
    fresh: Sequence[int] = range(len(rows))
    if not known.isdisjoint(rows) or len(set(rows)) < len(rows):
        fresh = _first_of(rows, known)
    if not fresh:
        return JoinedImpression(slates, (), "again")
    fresh = fresh[: PLACES_MAX - len(slate.shown)]
    if not fresh:
        return JoinedImpression(slates, (), "full")
    begins = slate.shown_ms == NEVER
    marked = replace(
        slate,
        shown_ms=ts if begins else slate.shown_ms,
        shown=(*slate.shown, *[rows[k] for k in fresh]),
        shown_as=_known_propensities(slate, propensities, fresh),
        surface=surface if begins else slate.surface,
        teams=_known_teams(slate, teams, rows, fresh),
    )
    return JoinedImpression(_put(slates, at, marked), fresh, "shown" if begins else "more")


def _first_of(rows: Sequence[int], known: set[int]) -> list[int]:
    """Where each row that is not `known` first stands."""
    fresh = []
    for k, row in enumerate(rows):
        if row not in known:
            known.add(row)
            fresh.append(k)
    return fresh


def _known_propensities(slate: KeptSlate, told: Sequence[float], fresh: Sequence[int]) -> tuple[float, ...]:
    """The propensities of all that is shown, NaN where some are not told; none where none are."""
    if not told and not slate.shown_as:
        return ()
    before = slate.shown_as or (math.nan,) * len(slate.shown)
    return (*before, *((told[k] for k in fresh) if told else (math.nan,) * len(fresh)))


def _known_teams(slate: KeptSlate, told: Sequence[int], rows: Sequence[int], fresh: Sequence[int]) -> bytes:
    """The teams of all that is shown: as the impression tells them, else as the slate was made; none where
    neither says any.
    """
    if not told and not slate.teams and not slate.drafted:
        return b""
    none = TEAMS.index(NO_TEAM)
    made = dict(zip(slate.rows, slate.drafted, strict=False))
    before = slate.teams or bytes([none]) * len(slate.shown)
    return before + bytes(TEAMS.index(told[k]) if told else made.get(rows[k], none) for k in fresh)


def answered(slates: Slates, slate_id: str | None, answer: Answer, wait_ms: int) -> JoinedAnswer:
    """Join an answer with the slate that it names, else with the newest waiting one that shows its item.

    Where no impression came, a slate that is named may be of any age; one that is not named may not be older
    than `wait_ms`.
    """
    at = _newest_with(slates, answer, wait_ms) if slate_id is None else index_of(slates, slate_id)
    if at < 0:
        return JoinedAnswer(slates, None, "unattributed" if slate_id is None else "unknown")
    slate = slates[at]
    if not slate.waits and slate.closed_ms != NEVER:
        return JoinedAnswer(slates, slate, "late")
    if not slate.has(answer.row):
        return JoinedAnswer(slates, slate, "absent")
    for k, earlier in enumerate(slate.answers):
        if (earlier.row, earlier.action) == (answer.row, answer.action):
            if answer.action == REVIEW and not math.isnan(earlier.value):
                stands = answer.ts < earlier.ts
            else:
                stands = answer.value <= earlier.value
            if stands or math.isnan(answer.value):
                return JoinedAnswer(slates, slate, "repeated")
            answers = (*slate.answers[:k], earlier._replace(value=answer.value), *slate.answers[k + 1 :])
            return JoinedAnswer(_put(slates, at, replace(slate, answers=answers)), slate, "repeated")
    if len(slate.answers) >= ANSWERS_MAX:
        return JoinedAnswer(slates, slate, "full")
    outcome = "unshown" if slate.shown_ms == NEVER else "joined"
    return JoinedAnswer(_put(slates, at, replace(slate, answers=(*slate.answers, answer))), slate, outcome)


def closed(user: str, slates: Slates, ts: int, wait_ms: int) -> ClosedSlates:
    """Close the slates that have waited longer than `wait_ms` at `ts`. What they looked like is kept, for
    they may be shown again.
    """
    lessons = []
    for at, slate in enumerate(slates):
        if slate.waits and ts - slate.since_ms > wait_ms:
            lessons.append(lesson_of(user, slate))
            slates = _put(slates, at, _as_made(slate, wait_ms))
    return ClosedSlates(slates, lessons)


def _as_made(slate: KeptSlate, wait_ms: int) -> KeptSlate:
    """A slate that is closed, as if it had not been shown yet."""
    return replace(
        slate,
        shown_ms=NEVER,
        shown=(),
        shown_as=(),
        teams=b"",
        surface="",
        answers=(),
        closed_ms=slate.since_ms + wait_ms,
    )


def bounded(user: str, slates: Slates, most: int, most_bytes: int) -> ClosedSlates:
    """Within the bounds (`kept_slates.fitted`); what falls and has waited is closed."""
    kept, fallen = fitted(slates, most, most_bytes)
    return ClosedSlates(kept, [lesson_of(user, slate) for slate in fallen if slate.waits])


def index_of(slates: Slates, slate_id: str) -> int:
    """Where the slate of that id is, or the one it was changed from; -1 where there is none."""
    for name in (slate_id, made_id(slate_id)):
        for at, slate in enumerate(slates):
            if slate.slate_id == name != "":
                return at
    return -1


def _newest_with(slates: Slates, answer: Answer, wait_ms: int) -> int:
    """The newest slate that shows the item: of those that were shown, else of those that were made; -1 where
    there is none. A slate later than the answer is only taken where the clocks may explain it.
    """
    found = [
        (slate.shown_ms != NEVER, since_ms, at)
        for at, slate in enumerate(slates)
        if slate.shows(answer.row)
        and (slate.closed_ms == NEVER or slate.waits)
        and -EARLY_MS <= answer.ts - (since_ms := slate.since_ms) <= wait_ms
    ]
    if not found:
        return -1
    before = [each for each in found if each[1] <= answer.ts and each[0]]
    return max(before or found)[2]


def _put(slates: Slates, at: int, slate: KeptSlate) -> Slates:
    return (*slates[:at], slate, *slates[at + 1 :])
