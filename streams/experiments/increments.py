"""By how much arms' sums change when users' sums do: what a user is worth afterwards, less what they were
worth before. So an arm's sums are at all times those of its users, whatever happened in which order.
"""

from __future__ import annotations

from streams.experiments.arm_totals import TERMS, fields_of, terms_of
from streams.experiments.measured import Measured, MeasuredExperiment
from streams.experiments.metric import ANY, Sums
from streams.experiments.metrics import CROSSED
from streams.state.user_sums import NO_TOTALS, Exposure, UserSums


class ArmIncrements:
    """Gathers the differences of a batch's users."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._terms: dict[tuple[str, str, str], list[int]] = {}
        self._crossed: dict[tuple[str, str], int] = {}

    def change(self, before: UserSums, after: UserSums) -> None:
        """A user's sums were `before`, and are `after`. What is of experiments that this process does not
        measure stays as it was counted.
        """
        if before.exposures is after.exposures and before.totals is after.totals:
            return
        had = before.totals.get
        changed = frozenset([code for code, amount in after.totals.items() if had(code, 0) != amount])
        if before.exposures is after.exposures:  # as with most events
            for exposure in after.exposures:
                experiment = self._measured.by_key.get(exposure.key)
                if experiment is not None:
                    self._go_on(experiment, exposure, before.totals, after.totals, changed)
            return
        was = {each.key: each for each in before.exposures}
        for exposure in after.exposures:
            old = was.pop(exposure.key, None)
            experiment = self._measured.by_key.get(exposure.key)
            if experiment is None:
                continue
            if exposure is old:
                self._go_on(experiment, exposure, before.totals, after.totals, changed)
            else:
                if old is not None:
                    self._worth(experiment, old, before.totals, -1)
                self._worth(experiment, exposure, after.totals, 1)
        for old in was.values():  # of a user who was deleted
            experiment = self._measured.by_key.get(old.key)
            if experiment is not None:
                self._worth(experiment, old, before.totals, -1)

    def _worth(self, experiment: MeasuredExperiment, exposure: Exposure, totals: Sums, sign: int) -> None:
        """Add what a user is worth, or take it away."""
        base, before = exposure.base, exposure.before
        for metric in experiment.counting(exposure.counted):
            x, y = metric.x.value, metric.y.value
            numbers = self._numbers(experiment.name, exposure.arm, metric.key)
            values = x(totals, base), y(totals, base), x(before, NO_TOTALS), y(before, NO_TOTALS)
            for at, term in enumerate(terms_of(values)):
                numbers[at] += sign * term
        if exposure.crossed:
            key = experiment.name, exposure.arm
            self._crossed[key] = self._crossed.get(key, 0) + sign

    def _go_on(
        self,
        experiment: MeasuredExperiment,
        exposure: Exposure,
        old: Sums,
        new: Sums,
        changed: frozenset[int],
    ) -> None:
        """The same where the exposure is what it was, and the totals are not, as with most events."""
        base, before = exposure.base, exposure.before
        for metric, code_x, code_y in experiment.touched(exposure.counted, changed):
            if code_x == ANY or code_y == ANY:
                value_x, value_y = metric.x.value, metric.y.value
                was_x, was_y, x, y = (
                    value_x(old, base),
                    value_y(old, base),
                    value_x(new, base),
                    value_y(new, base),
                )
            else:  # as most are: without a call
                less_x, less_y = base.get(code_x, 0), base.get(code_y, 0)
                was_x, x = old.get(code_x, 0) - less_x, new.get(code_x, 0) - less_x
                was_y, y = old.get(code_y, 0) - less_y, new.get(code_y, 0) - less_y
                most_x, most_y = metric.x.most, metric.y.most
                if not (-most_x <= was_x <= most_x and -most_x <= x <= most_x):
                    was_x, x = (max(-most_x, min(each, most_x)) for each in (was_x, x))
                if not (-most_y <= was_y <= most_y and -most_y <= y <= most_y):
                    was_y, y = (max(-most_y, min(each, most_y)) for each in (was_y, y))
            more_x, more_y = x - was_x, y - was_y
            if more_x or more_y:
                numbers = self._numbers(experiment.name, exposure.arm, metric.key)
                numbers[1] += more_x
                numbers[2] += more_y
                numbers[5] += x * x - was_x * was_x
                numbers[6] += x * y - was_x * was_y
                numbers[9] += y * y - was_y * was_y
                if before:
                    x_before = metric.x.value(before, NO_TOTALS)
                    numbers[7] += more_x * x_before
                    numbers[10] += more_y * x_before
                elif code_y != ANY:
                    continue
                y_before = metric.y.value(before, NO_TOTALS)
                numbers[8] += more_x * y_before
                numbers[11] += more_y * y_before

    def _numbers(self, experiment: str, arm: str, metric: str) -> list[int]:
        key = experiment, arm, metric
        numbers = self._terms.get(key)
        if numbers is None:
            numbers = self._terms[key] = [0] * TERMS
        return numbers

    def fields(self) -> dict[str, dict[str, int]]:
        """Of each experiment what is added to which of its numbers; what is added nothing to is left out."""
        found: dict[str, dict[str, int]] = {}
        for (name, arm, metric), numbers in self._terms.items():
            fields = found.setdefault(name, {})
            for field, number in zip(fields_of(arm, metric), numbers, strict=True):
                if number:
                    fields[field] = number
        for (name, arm), users in self._crossed.items():
            if users:
                found.setdefault(name, {})[fields_of(arm, CROSSED)[0]] = users
        return {name: fields for name, fields in found.items() if fields}
