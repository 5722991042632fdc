"""Two results of one benchmark beside each other: what got dearer, what got cheaper.

CPU time decides, as latencies of a shared machine say little. A case or a part that only one of the two has
is named too, so that a comparison never passes because something was left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.bench.cases import Case
from streams.bench.machine import Machine

REGRESSION = 0.2
"""A part whose CPU for one unit grew by more than this share is named."""

NOISE_US = 5.0
"""Differences below this many microseconds are not named, whatever their share is."""

LOADS = ("generator",)
"""Parts that load the system, and are not of it."""


class Change(NamedTuple):
    """CPU microseconds for one unit of work, before and now, of one part of a case (`all`: their sum)."""

    case: str
    part: str
    before_us: float
    now_us: float

    @property
    def share(self) -> float:
        """0.25: a quarter more than before."""
        return self.now_us / self.before_us - 1 if self.before_us else float("inf") if self.now_us else 0.0

    @property
    def regressed(self) -> bool:
        """Whether it is more than noise and more than the share that is named."""
        return self.now_us - self.before_us > NOISE_US and self.share > REGRESSION


def changes(before: Sequence[Case], now: Sequence[Case]) -> list[Change]:
    """Of each case that both have: every part that both have, and the sum of these parts.

    >>> one = Case(name="300/s", cpu_us={"worker": 1000.0, "gateway": 200.0})
    >>> two = Case(name="300/s", cpu_us={"worker": 1300.0, "gateway": 200.0})
    >>> [(change.part, change.regressed) for change in changes([one], [two])]
    [('worker', True), ('gateway', False), ('all', True)]
    """
    earlier = {case.name: case for case in before}
    found = []
    for case in now:
        if case.name not in earlier:
            continue
        was = earlier[case.name].cpu_us
        parts = [part for part in case.cpu_us if part in was and part not in LOADS]
        found += [Change(case.name, part, was[part], case.cpu_us[part]) for part in parts]
        if len(parts) > 1:
            sums = sum(was[part] for part in parts), sum(case.cpu_us[part] for part in parts)
            found.append(Change(case.name, "all", *sums))
    return found


def left_out(before: Sequence[Case], now: Sequence[Case]) -> Iterator[str]:
    """What can't be compared, in words."""
    names = [case.name for case in before], [case.name for case in now]
    for name in names[1]:
        if name not in names[0]:
            yield f"{name} was not measured before"
    for name in names[0]:
        if name not in names[1]:
            yield f"{name} was measured before, and not now"
    earlier = {case.name: case for case in before}
    for case in now:
        if case.name in earlier:
            for part in set(case.cpu_us) ^ set(earlier[case.name].cpu_us):
                yield f"{case.name}: only one of the two has the part {part}"


def differs(before: Machine, now: Machine) -> Iterator[str]:
    """What makes two machines' figures hard to compare, in words."""
    if before.processor != now.processor or before.cores != now.cores:
        yield (
            f"other machines: {before.cores} cores of {before.processor} before,"
            f" {now.cores} cores of {now.processor} now"
        )
    for name in sorted(set(before.versions) | set(now.versions)):
        was, present = before.versions.get(name, "absent"), now.versions.get(name, "absent")
        if was != present and name != "headrace":
            yield f"{name} {was} before, {present} now"


def sentence(change: Change) -> str:
    """A change in one line.

    >>> sentence(Change("300/s", "worker", 1000.0, 1300.0))
    '300/s: worker 1,000 us before, 1,300 us now (+30%)'
    """
    return (
        f"{change.case}: {change.part} {change.before_us:,.0f} us before,"
        f" {change.now_us:,.0f} us now ({change.share:+.0%})"
    )
