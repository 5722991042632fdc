"""What an interleaved experiment says now. Each user has one vote: the arm of which they clicked more.

The sums of the metric `preference` hold all of it: a user's value is 1 for the other arm, -1 for control and
0 for as much of both, so sum(x) and sum(x ** 2) are the difference and the sum of both arms' votes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.declared.experiment import PREFERENCE
from streams.experiments.interleaving.reading import interval_of, log_e

EVEN = 0.5
State = Literal["open", "better", "worse"]


class Votes(NamedTuple):
    """Of `users` who were shown an interleaved slate, how many prefer each arm."""

    users: int
    arm: int
    control: int

    @property
    def cast(self) -> int:
        """How many prefer one."""
        return self.arm + self.control


class VotesReading(msgspec.Struct, frozen=True):
    """The arm against control. `share`: of the votes that are the arm's, none where there is no vote; `low`
    and `high` hold the true one at all looks together. `p`: may be read at any time. `state`: "better" or
    "worse" once decided, at `decided_at` users.
    """

    arm: str
    control: str
    users: int
    for_arm: int
    for_control: int
    undecided: int
    share: float | None
    low: float
    high: float
    p: float
    state: State
    decided_at: int | None


def votes_of(sums: Mapping[tuple[str, str], ArmSums], drawn: str) -> Votes:
    """The votes in the sums of what users are `drawn` to.

    >>> from streams.experiments.arm_sums import arm_sums
    >>> import numpy as np
    >>> three = arm_sums(np.array([[1.0, 1, 0, 1], [-1, 1, 0, 1], [0, 1, 0, 1]]))
    >>> votes_of({("plain+bold", "preference"): three}, "plain+bold")
    Votes(users=3, arm=1, control=1)
    """
    seen = sums.get((drawn, PREFERENCE), NOBODY)
    ahead, cast = round(float(seen.sums[0])), round(float(seen.products[0, 0]))
    return Votes(seen.users, (cast + ahead) // 2, (cast - ahead) // 2)


def read_votes(arm: str, control: str, points: Sequence[Votes], alpha: float) -> VotesReading:
    """`points`: the votes over time, the oldest first, the last one now.

    A sign test that may be looked at at any time: see `reading.preference`, which has the e-value. Once
    decided it stays decided.
    """
    evidence = [log_e(each.arm, each.control, EVEN) for each in points]
    first = next((at for at, each in enumerate(evidence) if each >= -math.log(alpha)), None)
    now = points[-1]
    low, high = interval_of(now.arm, now.control, alpha)
    state: State = "open"
    if first is not None:
        state = "better" if points[first].arm > points[first].control else "worse"
    return VotesReading(
        arm,
        control,
        now.users,
        now.arm,
        now.control,
        now.users - now.cast,
        now.arm / now.cast if now.cast else None,
        low,
        high,
        math.exp(-max(0.0, *evidence)),
        state,
        None if first is None else points[first].users,
    )


def said(reading: VotesReading) -> str:
    """The reading in words."""
    seen = (
        f"{reading.users:,} users saw slates of both: {reading.for_arm:,} clicked more of {reading.arm},"
        f" {reading.for_control:,} more of {reading.control}, {reading.undecided:,} neither."
    )
    if reading.share is None:
        return f"{reading.arm} against {reading.control}: too early to say, nobody has voted. {seen}"
    share = f"{reading.share:.1%} of the votes (between {reading.low:.1%} and {reading.high:.1%})"
    if reading.decided_at is None:
        return f"{reading.arm} against {reading.control}: not decided yet. {reading.arm} has {share}. {seen}"
    wins, loses = reading.arm, reading.control
    if reading.state == "worse":
        wins, loses = loses, wins
    return (
        f"users prefer {wins} to {loses}: {reading.arm} has {share}. Decided at {reading.decided_at:,} users."
        f" You may stop now. {seen}"
    )


def promised(alpha: float, window_days: float | None) -> str:
    """What the promise of the interval is, and what it stands on."""
    promise = (
        "You may look as often as you like, and stop when it is decided: a wrong claim has a chance of at"
        f" most {alpha:.0%}. It says which arm users prefer, not by how much a metric moves."
    )
    until = "" if window_days is None else f" within {window_days:g} days"
    return (
        f"{promise} A user's vote may change with their next click{until}. The theory covers votes that are"
        " final; simulation shows no more wrong claims by it (docs/experiments.md)."
    )
