"""What metrics are made of: quantities of a user, integers that add up over the moments of a time.

A quantity has a code. That of `count(ACTION)` is the action's, and that of `sum(ACTION)` is `VALUE` more: the
event's `value`, or a review's rating, in hundredths. A moment of an action has its delay in ms, then its
value if it has one. A moment of an impression (code `SHOWN`) has what `FirstShown` says, in its order.

What depends on the moment before (sessions) is a function of two neighbours, so sums do not depend on the
order in which events come: between two moments `a` and `b`, a new one `m` adds (a, m) and (m, b), and takes
(a, b) away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from model.actions import CODES, code_of
from streams.state.user_sums import Moment

VALUE = CODES
(PLACES, SLATES, USERS, SESSIONS, SESSION_TENTHS, RATINGS, DELAYS, DELAY_MS, DIFFERENT, BITS, FIRST) = range(
    2 * CODES, 2 * CODES + 11
)
"""Places shown; slates shown; 1 for each user; sessions; their length in tenths of a minute; reviews with a
rating; actions, and the ms until they were applied; of what was shown: categories that differ within a slate,
hundredths of bits of surprise, items that nobody had been shown.
"""
VOTES = (2 * CODES + 11, 2 * CODES + 12)
"""Clicks on what control's order brought to interleaved slates, and on what the other's did."""
RETURNED = 1_000
"""`RETURNED + n`: sessions besides the first that began within n days of the exposure."""
SHOWN, VOTED = CODES, CODES + 1
"""The codes of an impression's moment, and of a vote's. A click on an interleaved slate is a vote besides: a
moment right behind the click's, at the same time, so it begins and prolongs no session.
"""

GAP_MS = 30 * 60_000
"""Two moments further apart than this are of two sessions."""
TENTH_MS = 6_000
DAY_MS = 86_400_000
PER_ONE = 100
"""Values are counted in hundredths."""
VALUE_MOST = 10**11
"""Hundredths that an event counts at most: the sums of a user stay within 63 bits for 90 million of them."""
DELAY_MOST_MS = DAY_MS

_REVIEW = code_of("review")
_IN_PAIRS = frozenset({SESSIONS, SESSION_TENTHS, *range(RETURNED + 1, RETURNED + 31)})


class FirstShown(NamedTuple):
    """What an impression showed that its slate had not shown before. `slates`: 1 for the first of a slate."""

    slates: int
    places: int
    different: int = 0
    bits: int = 0
    first: int = 0


_OF_SHOWN = (SLATES, PLACES, DIFFERENT, BITS, FIRST)


def action_moment(ts: int, action: int, delay_ms: float, value: float | None) -> Moment:
    """A moment of an action, by its code. `value`: the event's, or a review's rating; None or NaN where there
    is none. It is rounded to hundredths as `round(100 * value)` does.
    """
    delay = int(min(max(delay_ms, 0), DELAY_MOST_MS))
    if value is None or value != value:
        return Moment(ts, action, (delay,))
    return Moment(ts, action, (delay, max(-VALUE_MOST, min(VALUE_MOST, round(PER_ONE * value)))))


def shown_moment(ts: int, showed: FirstShown) -> Moment:
    """A moment of an impression."""
    return Moment(ts, SHOWN, tuple(showed))


def vote_moment(ts: int, team: int) -> Moment:
    """A moment of a vote for an order: 0 control's, 1 the other's."""
    return Moment(ts, VOTED, (team,))


def amounts(moment: Moment) -> list[tuple[int, int]]:
    """The quantities of a moment by itself, and how much of each; none that is 0."""
    if moment.code == VOTED:
        return [(VOTES[moment.amounts[0]], 1)]
    if moment.code == SHOWN:
        return [each for each in zip(_OF_SHOWN, moment.amounts, strict=True) if each[1]]
    delay, *value = moment.amounts
    own = [(moment.code, 1), (DELAYS, 1)]
    if delay:
        own.append((DELAY_MS, delay))
    if value:
        own.append((VALUE + moment.code, value[0]))
        if moment.code == _REVIEW:
            own.append((RATINGS, 1))
    return own


def by_exposure(codes: frozenset[int]) -> bool:
    """Whether any of these quantities depends on when the user was exposed."""
    return max(codes, default=0) > RETURNED


@lru_cache(1_024)
def in_pairs(codes: frozenset[int]) -> bool:
    """Whether any of these quantities depends on the moment before."""
    return not _IN_PAIRS.isdisjoint(codes)


def pair_amounts(before: Moment | None, moment: Moment, since_ms: int | None) -> Iterator[tuple[int, int]]:
    """The quantities of a moment after the one `before` it (None: it is the first). `since_ms`: the exposure,
    None for what was before one.
    """
    if before is None:
        yield SESSIONS, 1
    elif moment.ts - before.ts <= GAP_MS:
        yield SESSION_TENTHS, moment.ts // TENTH_MS - before.ts // TENTH_MS
    else:
        yield SESSIONS, 1
        if since_ms is not None:
            days = max(1, -((since_ms - moment.ts) // DAY_MS))
            for n in range(days, 31):
                yield RETURNED + n, 1


def total(moments: Sequence[Moment], codes: frozenset[int], since_ms: int | None = None) -> dict[int, int]:
    """Of each of the quantities `codes`, how much there is in moments that are in their order."""
    sums: dict[int, int] = {}
    before: Moment | None = None
    pairs = in_pairs(codes)
    for moment in moments:
        parts = amounts(moment)
        for code, amount in chain(parts, pair_amounts(before, moment, since_ms)) if pairs else parts:
            if amount and code in codes:
                sums[code] = sums.get(code, 0) + amount
        before = moment
    return sums


def added(
    own: Iterable[tuple[int, int]],
    neighbours: tuple[Moment | None, Moment, Moment | None],
    codes: frozenset[int],
    since_ms: int | None = None,
) -> list[tuple[int, int]]:
    """What a moment adds to sums of the quantities `codes`: its `own` amounts, and what it changes between
    the moments before and after it (None: there is none), which were counted before.
    """
    found = [each for each in own if each[0] in codes]
    if in_pairs(codes):
        before, moment, after = neighbours
        found += [each for each in pair_amounts(before, moment, since_ms) if each[0] in codes]
        if after is not None:
            found += [each for each in pair_amounts(moment, after, since_ms) if each[0] in codes]
            found += [(code, -n) for code, n in pair_amounts(before, after, since_ms) if code in codes]
    return found


def plus(sums: dict[int, int], parts: Iterable[tuple[int, int]], sign: int = 1) -> dict[int, int]:
    """Sums and parts of them together, or without them."""
    grown = sums.copy()
    for code, amount in parts:
        grown[code] = grown.get(code, 0) + sign * amount
    return grown
