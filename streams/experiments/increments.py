"""By how much arms' sums change when users' sums do: what a user is worth afterwards, less what they were
worth before. So an arm's sums are at all times those of its users, whatever happened in which order.
"""

from __future__ import annotations

from streams.experiments.arm_totals import TERMS, fields_of, terms_of
from streams.experiments.measured import Measured, MeasuredExperiment
from streams.experiments.metrics import CROSSED
from streams.state.user_sums import Exposure, UserSums


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
        by_key = self._measured.by_key
        for exposure in after.exposures:
            old = was.get(exposure.key)
            if exposure is not old and (experiment := by_key.get(exposure.key)) is not None:
                if old is None or old.before is not exposure.before or old[1:5] != exposure[1:5]:
                    self._replace(experiment, old, exposure)
                else:
                    self._go_on(experiment, old, exposure)

    def _replace(self, experiment: MeasuredExperiment, old: Exposure | None, new: Exposure) -> None:
        """Take away what the user was worth, and add what they are worth."""
        terms = self._terms.setdefault(experiment.name, {})
        crossed = self._crossed.setdefault(experiment.name, {})
        for exposure, sign in ((old, -1), (new, 1)):
            if exposure is None:
                continue
            since, before = exposure.since, exposure.before
            for metric in experiment.counting(exposure.counted):
                x, y = metric.x.value, metric.y.value
                numbers = terms.setdefault((exposure.arm, metric.key), [0] * TERMS)
                for at, term in enumerate(terms_of((x(since), y(since), x(before), y(before)))):
                    numbers[at] += sign * term
            if exposure.crossed:
                crossed[exposure.arm] = crossed.get(exposure.arm, 0) + sign

    def _go_on(self, experiment: MeasuredExperiment, old: Exposure, new: Exposure) -> None:
        """The same where nothing but `since` has changed, as with most events."""
        terms = self._terms.setdefault(experiment.name, {})
        before, since, had = new.before, new.since, old.since.get
        changed = {code for code, amount in since.items() if had(code) != amount}
        for metric in experiment.counting(new.counted):
            if changed.isdisjoint(metric.codes):
                continue
            value_x, value_y = metric.x.value, metric.y.value
            was_x, was_y, x, y = value_x(old.since), value_y(old.since), value_x(since), value_y(since)
            more_x, more_y = x - was_x, y - was_y
            if more_x or more_y:
                x_before, y_before = value_x(before), value_y(before)
                numbers = terms.setdefault((new.arm, metric.key), [0] * TERMS)
                numbers[1] += more_x
                numbers[2] += more_y
                numbers[5] += x * x - was_x * was_x
                numbers[6] += x * y - was_x * was_y
                numbers[7] += more_x * x_before
                numbers[8] += more_x * y_before
                numbers[9] += y * y - was_y * was_y
                numbers[10] += more_y * x_before
                numbers[11] += more_y * y_before

    def fields(self) -> dict[str, dict[str, int]]:
        """Of each experiment what is added to which of its numbers; what is added nothing to is left out."""
        found = {
            name: {
                field: term
                for (arm, metric), numbers in terms.items()
                for field, term in zip(fields_of(arm, metric), numbers, strict=True)
                if term
            }
            for name, terms in self._terms.items()
        }
        for name, crossed in self._crossed.items():
            found[name] |= {fields_of(arm, CROSSED)[0]: users for arm, users in crossed.items() if users}
        return {name: fields for name, fields in found.items() if fields}
