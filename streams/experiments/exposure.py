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
    added = _Added(moments, at)
    exposures = [
        _grown(exposure, measured.by_key.get(exposure.key), added)
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


class _Added:
    """What the moment `moments[at]` adds."""

    def __init__(self, moments: list[Moment], at: int) -> None:
        self.moment, self._own = moments[at], q.amounts(moments[at])
        self._before = moments[at - 1] if at else None
        self._after = moments[at + 1] if at + 1 < len(moments) else None
        self._known: dict[frozenset[int], list[tuple[int, int]]] = {}

    def between(
        self, begin_ms: int, end_ms: int, codes: frozenset[int], since_ms: int | None = None
    ) -> list[tuple[int, int]]:
        """To sums over the moments from `begin_ms` on and before `end_ms`, of which it is one."""
        before, after = self._before, self._after
        if after is None and before is not None and before.ts >= begin_ms and not q.by_exposure(codes):
            if codes not in self._known:  # it is the same in all experiments of these quantities
                self._known[codes] = q.added(self._own, (before, self.moment, None), codes)
            return self._known[codes]
        return q.added(
            self._own,
            (
                before if before is not None and before.ts >= begin_ms else None,
                self.moment,
                after if after is not None and after.ts < end_ms else None,
            ),
            codes,
            since_ms,
        )


def _grown(exposure: Exposure, experiment: MeasuredExperiment | None, added: _Added) -> Exposure:
    """An exposure with a moment more; the same object where that changes nothing."""
    if experiment is None:  # this process does not know of it, or not yet
        return exposure
    key, arm, exposed_ms, crossed, counted, since, before = exposure
    ts, codes = added.moment.ts, experiment.codes
    if ts >= exposed_ms:
        if ts < (until_ms := experiment.until_ms(exposed_ms)):
            parts = added.between(exposed_ms, until_ms, codes, exposed_ms)
            since = q.plus(since, parts) if parts else since
    elif ts >= (begin_ms := exposed_ms - experiment.before_ms):
        parts = added.between(begin_ms, exposed_ms, codes)
        before = q.plus(before, parts) if parts else before
    if since is exposure.since and before is exposure.before and counted == experiment.counted:
        return exposure
    return Exposure(key, arm, exposed_ms, crossed, experiment.counted, since, before)


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
