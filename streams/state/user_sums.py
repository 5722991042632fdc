"""What a user's state holds for experiments: their latest moments, and of each experiment that showed them
something, sums of what they have done since. `streams.experiments` keeps it.

All numbers are integers, so that sums do not depend on the order in which they grew.
"""

from __future__ import annotations

from typing import NamedTuple

NO_TOTALS: dict[int, int] = {}


class Moment(NamedTuple):
    """One event that was measured, at `ts` (ms). `code` and `amounts`: what it was, and how much of what
    (`streams.experiments.quantities`).
    """

    ts: int
    code: int
    amounts: tuple[int, ...]


class Exposure(NamedTuple):
    """An experiment showed the user something of its arm `arm`, first at `ts` (ms).

    `key`: of the experiment, 8 bytes. `crossed`: it also showed them something of another arm. `counted`: of
    each metric in whose sums this user is, 4 bytes. `base`: what of the user's `totals` does not count, since
    it was not from `ts` on; so most moments change no exposure. `before`: of each quantity, how much there
    was in a window before `ts`. What is not there is 0.
    """

    key: bytes
    arm: str
    ts: int
    crossed: bool
    counted: bytes
    base: dict[int, int]
    before: dict[int, int]


class UserSums(NamedTuple):
    """`moments` by their times, at most `MOMENTS_MOST`; `exposures` at most `EXPOSURES_MOST`. `totals`: how
    much there was of each quantity, by its code, beginning with the first exposure.
    """

    moments: tuple[Moment, ...] = ()
    totals: dict[int, int] = NO_TOTALS
    exposures: tuple[Exposure, ...] = ()


NOT_MEASURED = UserSums()
MOMENTS_MOST = 48
EXPOSURES_MOST = 32
