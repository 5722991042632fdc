"""What a moment does to a user's sums. Pure.

A user is exposed to an experiment when an impression first names one of its arms: what was assigned, and not
shown, counts nothing. All that they do from that time on counts for that arm, whatever else they see. Times
are the events' own, so it does not matter in which order events come: where an earlier impression arrives
late, the exposure moves back to it, and what lies in between with it, as far as the latest moments are kept.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from streams.experiments import quantities as q
from streams.experiments.measured import Measured, MeasuredExperiment
from streams.state.user_sums import EXPOSURES_MOST, MOMENTS_MOST, Exposure, Moment, UserSums


def with_moment(
    sums: UserSums, moment: Moment, measured: Measured, arms: Iterable[tuple[str, str]] = ()
) -> UserSums:
    """A user's sums with one moment more; `arms`: what an impression names, (experiment, arm)."""
    moments = list(sums.moments)
    insort(moments, moment)
    at = bisect_left(moments, moment)
    exposures = [
        _grown(exposure, measured.by_key.get(exposure.key), moments, at)
        for exposure in sums.exposures
        if exposure.key not in measured.over
    ]
    for name, arm in arms:
        experiment = measured.experiments.get(name)
        if experiment is None or arm not in experiment.arms:
            continue
        if not experiment.begins_ms <= moment.ts < experiment.ends_ms:
            continue
        for place, exposure in enumerate(exposures):
            if exposure.key == experiment.key:
                exposures[place] = _seen(exposure, experiment, moment.ts, arm, moments)
                break
        else:
            exposures.append(_new(experiment, moment.ts, arm, moments))
    return UserSums(tuple(moments[-MOMENTS_MOST:]), _bounded(exposures, measured))


def _new(experiment: MeasuredExperiment, ts: int, arm: str, moments: list[Moment]) -> Exposure:
    since, before = _sums_at(experiment, ts, moments)
    return Exposure(experiment.key, arm, ts, False, experiment.counted, since, before)


def _grown(
    exposure: Exposure, experiment: MeasuredExperiment | None, moments: list[Moment], at: int
) -> Exposure:
    """An exposure with the moment `moments[at]`; the same object where it changes nothing."""
    if experiment is None:  # this process does not know of it, or not yet
        return exposure
    ts, since, before = moments[at].ts, exposure.since, exposure.before
    if exposure.ts <= ts < experiment.until_ms(exposure.ts):
        begin, end = _range(moments, exposure.ts, experiment.until_ms(exposure.ts))
        since = q.added(since, moments[begin:end], at - begin, experiment.codes, exposure.ts)
    elif exposure.ts - experiment.before_ms <= ts < exposure.ts:
        begin, end = _range(moments, exposure.ts - experiment.before_ms, exposure.ts)
        before = q.added(before, moments[begin:end], at - begin, experiment.codes)
    if since is exposure.since and before is exposure.before and exposure.counted == experiment.counted:
        return exposure
    return exposure._replace(since=since, before=before, counted=experiment.counted)


def _seen(
    exposure: Exposure, experiment: MeasuredExperiment, ts: int, arm: str, moments: list[Moment]
) -> Exposure:
    """An exposure of whom the experiment shows something, again or, where that comes late, earlier. The first
    one says of which arm the user is; of two at one time, the name that comes first.
    """
    if arm != exposure.arm:
        exposure = exposure._replace(crossed=True)
    if ts < exposure.ts:
        old, new = (_sums_at(experiment, each, moments) for each in (exposure.ts, ts))
        since, before = (
            q.plus(q.plus(had, lost.items(), -1), won.items())
            for had, lost, won in zip((exposure.since, exposure.before), old, new, strict=True)
        )
        exposure = exposure._replace(ts=ts, arm=arm, since=since, before=before)
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


def _bounded(exposures: list[Exposure], measured: Measured) -> tuple[Exposure, ...]:
    """Within the bound: first those fall that no running experiment knows, the oldest first."""
    while len(exposures) > EXPOSURES_MOST:
        exposures.remove(min(exposures, key=lambda each: (each.key in measured.by_key, each.ts)))
    return tuple(exposures)
