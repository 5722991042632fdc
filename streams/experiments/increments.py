"""By how much arms' sums change when users' sums do: what a user is worth afterwards, less what they were
worth before. So an arm's sums are at all times those of its users, whatever happened in which order.
"""

from __future__ import annotations

from streams.experiments.arm_totals import Values, field, terms_of
from streams.experiments.measured import Measured, MeasuredExperiment
from streams.experiments.metrics import CROSSED
from streams.state.user_sums import Exposure, UserSums

DIGEST_BYTES = 4


class ArmIncrements:
    """Gathers the differences of a batch's users."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._terms: dict[str, dict[tuple[str, str], list[int]]] = {}
        self._crossed: dict[str, dict[str, int]] = {}

    def change(self, before: UserSums, after: UserSums) -> None:
        """A user's sums were `before`, and are `after`. What is of experiments that this process does not
        measure stays as it was counted.
        """
        if before.exposures is after.exposures:
            return
        was = {each.key: each for each in before.exposures}
        for exposure in after.exposures:
            old = was.get(exposure.key)
            experiment = self._measured.by_key.get(exposure.key)
            if experiment is not None and exposure is not old:
                self._change(experiment, old, exposure)

    def _change(self, experiment: MeasuredExperiment, old: Exposure | None, new: Exposure) -> None:
        was = {} if old is None else _values(experiment, old)
        now = _values(experiment, new)
        terms = self._terms.setdefault(experiment.name, {})
        for metric, values in now.items():
            known = was.get(metric)
            if old is None or known is None:
                _add(terms, (new.arm, metric), terms_of(values))
            elif old.arm != new.arm:
                _add(terms, (old.arm, metric), [-each for each in terms_of(known)])
                _add(terms, (new.arm, metric), terms_of(values))
            elif known != values:
                gone = terms_of(known)
                _add(terms, (new.arm, metric), [n - o for n, o in zip(terms_of(values), gone, strict=True)])
        crossed = self._crossed.setdefault(experiment.name, {})
        if old is not None and old.crossed:
            crossed[old.arm] = crossed.get(old.arm, 0) - 1
        if new.crossed:
            crossed[new.arm] = crossed.get(new.arm, 0) + 1

    def fields(self) -> dict[str, dict[str, int]]:
        """Of each experiment what is added to which of its numbers; what is added nothing to is left out."""
        found = {
            name: {
                field(arm, metric, at): term
                for (arm, metric), numbers in terms.items()
                for at, term in enumerate(numbers)
                if term
            }
            for name, terms in self._terms.items()
        }
        for name, crossed in self._crossed.items():
            found[name] |= {field(arm, CROSSED, 0): users for arm, users in crossed.items() if users}
        return {name: fields for name, fields in found.items() if fields}


def _values(experiment: MeasuredExperiment, exposure: Exposure) -> dict[str, Values]:
    """Of each metric in whose sums the user is, their values."""
    found: dict[str, Values] = {}
    for at in range(0, len(exposure.counted), DIGEST_BYTES):
        metric = experiment.by_digest.get(exposure.counted[at : at + DIGEST_BYTES])
        if metric is not None:
            since, before, x, y = exposure.since, exposure.before, metric.x, metric.y
            found[metric.key] = (x.value(since), y.value(since), x.value(before), y.value(before))
    return found


def _add(
    terms: dict[tuple[str, str], list[int]], key: tuple[str, str], more: list[int] | tuple[int, ...]
) -> None:
    known = terms.get(key)
    if known is None:
        terms[key] = list(more)
    else:
        terms[key] = [one + other for one, other in zip(known, more, strict=True)]
