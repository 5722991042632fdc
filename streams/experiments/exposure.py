"""What a moment does to a user's sums. Pure.

A user is exposed to an experiment when an impression first names one of its arms: what was assigned, and not
shown, counts nothing. All that they do from that time on counts for that arm, whatever else they see. Times
are the events' own, so it does not matter in which order events come: where an earlier impression arrives
late, the exposure moves back to it, and what lies in between with it, as far as the latest moments are kept.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from streams.experiments import quantities as q
from streams.experiments.assignment.arm_text import declared_arm
from streams.experiments.measured import Measured, MeasuredExperiment
from streams.state.user_sums import (
    EXPOSURES_MOST,
    MOMENTS_MOST,
    NO_TOTALS,
    Exposure,
    Moment,
    UserSums,
)

NEVER = -(2**63)


def with_moment(
    sums: UserSums, moment: Moment, measured: Measured, arms: Sequence[tuple[str, str]] = ()
) -> UserSums:
    """A user's sums with one moment more; `arms`: what an impression names, (experiment, arm)."""
    moments = list(sums.moments)
    insort(moments, moment)
    at = bisect_left(moments, moment)
    totals, exposures = sums.totals, sums.exposures
    if exposures:
        totals, exposures = _grown(sums, measured, moments, at)
    seen = {each.key: each for each in exposures} if arms else {}
    for name, arm in arms:
        experiment = measured.experiments.get(name)
        if experiment is None or arm not in experiment.arms:
            continue
        known = seen.get(experiment.key)
        if known is not None and known.arm == arm and known.ts <= moment.ts:
            continue  # as with most impressions
        if experiment.begins_ms <= moment.ts < experiment.ends_ms:
            exposures = _shown(exposures, experiment, moment.ts, arm, moments, totals)
    if len(exposures) > EXPOSURES_MOST:
        exposures = _bounded(exposures, measured)
    return UserSums(tuple(moments[-MOMENTS_MOST:]), totals if exposures else NO_TOTALS, exposures)


def _grown(
    sums: UserSums, measured: Measured, moments: list[Moment], at: int
) -> tuple[dict[int, int], tuple[Exposure, ...]]:
    """Totals and exposures with the moment `moments[at]`. Most moments are the user's latest, and count for
    all exposures as they count for the totals.
    """
    moment, own = moments[at], q.amounts(moments[at])
    before = moments[at - 1] if at else None
    after = moments[at + 1] if at + 1 < len(moments) else None
    parts = q.added(own, (before, moment, after), measured.codes)
    by_key, ts = measured.by_key, moment.ts
    last_ms = before.ts if after is None and before is not None else NEVER
    changed: dict[int, Exposure | None] = {}
    for place, exposure in enumerate(sums.exposures):
        experiment = by_key.get(exposure.key)
        if experiment is None:  # this process does not know of it, or not yet: it counts nothing here
            over = exposure.key in measured.over
            changed[place] = None if over else exposure._replace(base=q.plus(exposure.base, parts))
            continue
        if exposure.ts > last_ms or experiment.by_exposure or ts >= experiment.until_ms(exposure.ts):
            changed[place] = _corrected(exposure, experiment, own, (before, moment, after), parts)
        if exposure.counted != experiment.counted:
            counted = experiment.also_counting(exposure.counted)
            if counted != exposure.counted:
                changed[place] = (changed.get(place) or exposure)._replace(counted=counted)
    totals = q.plus(sums.totals, parts)
    if not changed:  # as with most moments, which are the user's latest
        return totals, sums.exposures
    grown = (changed.get(place, exposure) for place, exposure in enumerate(sums.exposures))
    return totals, tuple(each for each in grown if each is not None)


def _corrected(
    exposure: Exposure,
    experiment: MeasuredExperiment,
    own: list[tuple[int, int]],
    neighbours: tuple[Moment | None, Moment, Moment | None],
    parts: list[tuple[int, int]],
) -> Exposure:
    """An exposure, where a moment adds `parts` to the totals, and something else to the exposure."""
    ts, codes, exposed_ms = neighbours[1].ts, experiment.codes, exposure.ts
    base, before = q.plus(exposure.base, [each for each in parts if each[0] in codes]), exposure.before
    if exposed_ms <= ts < (until_ms := experiment.until_ms(exposed_ms)):
        counts = q.added(own, _within(neighbours, exposed_ms, until_ms), codes, exposed_ms)
        base = q.plus(base, counts, -1)
    elif (begin_ms := exposed_ms - experiment.before_ms) <= ts < exposed_ms:
        before = q.plus(before, q.added(own, _within(neighbours, begin_ms, exposed_ms), codes))
    return exposure._replace(base=base, before=before)


def _within(
    neighbours: tuple[Moment | None, Moment, Moment | None], begin_ms: int, end_ms: int
) -> tuple[Moment | None, Moment, Moment | None]:
    """The same without those before `begin_ms`, or not before `end_ms`."""
    before, moment, after = neighbours
    return (
        before if before is not None and before.ts >= begin_ms else None,
        moment,
        after if after is not None and after.ts < end_ms else None,
    )


def _shown(
    exposures: tuple[Exposure, ...],
    experiment: MeasuredExperiment,
    ts: int,
    arm: str,
    moments: list[Moment],
    totals: dict[int, int],
) -> tuple[Exposure, ...]:
    """The exposures of a user whom an experiment shows something of an arm."""
    for place, exposure in enumerate(exposures):
        if exposure.key == experiment.key:
            seen = _seen(exposure, experiment, ts, arm, moments)
            if seen is exposure:
                return exposures
            return (*exposures[:place], seen, *exposures[place + 1 :])
    since, before = _sums_at(experiment, ts, moments)
    base = {code: totals.get(code, 0) - since.get(code, 0) for code in experiment.codes}
    base = {code: amount for code, amount in base.items() if amount}
    return (*exposures, Exposure(experiment.key, arm, ts, False, experiment.counted, base, before))


def _seen(
    exposure: Exposure, experiment: MeasuredExperiment, ts: int, arm: str, moments: list[Moment]
) -> Exposure:
    """An exposure of whom the experiment shows something, again or, where that comes late, earlier. The first
    one says of which arm the user is; of two at one time, the name that comes first.
    """
    if not exposure.crossed and declared_arm(arm) != declared_arm(exposure.arm):
        exposure = exposure._replace(crossed=True)
    if ts < exposure.ts:
        (lost, lost_before), (won, won_before) = (
            _sums_at(experiment, each, moments) for each in (exposure.ts, ts)
        )
        base = q.plus(q.plus(exposure.base, lost.items()), won.items(), -1)
        before = q.plus(q.plus(exposure.before, lost_before.items(), -1), won_before.items())
        exposure = exposure._replace(ts=ts, arm=arm, base=base, before=before)
    elif ts == exposure.ts and arm < exposure.arm:
        exposure = exposure._replace(arm=arm)
    return exposure


def _sums_at(
    experiment: MeasuredExperiment, ts: int, moments: list[Moment]
) -> tuple[dict[int, int], dict[int, int]]:
    """What the moments come to from `ts` on, and before it."""
    begin, end = _range(moments, ts, experiment.until_ms(ts))
    first, _ = _range(moments, ts - experiment.before_ms, ts)
    return (
        q.total(moments[begin:end], experiment.codes, ts),
        q.total(moments[first:begin], experiment.codes),
    )


def _range(moments: list[Moment], begin_ms: int, end_ms: int) -> tuple[int, int]:
    """Where the moments from `begin_ms` on lie that are before `end_ms`."""
    begin = bisect_left(moments, (begin_ms,))
    if not moments or moments[-1].ts < end_ms:
        return begin, len(moments)
    return begin, max(begin, bisect_left(moments, (end_ms,)))


def _bounded(exposures: tuple[Exposure, ...], measured: Measured) -> tuple[Exposure, ...]:
    """Within the bound: first those fall that no running experiment knows, the oldest first."""
    order = sorted(exposures, key=lambda each: (each.key in measured.by_key, each.ts))
    fallen = order[: len(exposures) - EXPOSURES_MOST]
    return tuple(each for each in exposures if each not in fallen)
