"""Which metrics there are, and what a store has of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Annotated

import msgspec
from msgspec import Meta

from model.errors import SettingsError
from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.arm_totals import ArmTotals
from streams.experiments.built_in_metrics import built_in
from streams.experiments.metric import Metric, Part
from streams.experiments.metric_expression import PER_USER, ratio_of
from streams.state.action_meaning import Meanings

CROSSED = "crossed_over"
"""In an arm's sums under this name, `users` are those who also saw another arm of the experiment."""

MetricName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]


class MetricSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric of the app's own, `[metrics.NAME]`. `of`: an expression (`metric_expression`).

    `unit`: values are rounded to multiples of it. `cap`: a user's numerator and denominator count as no more
    than this (nor as less than minus this).
    """

    of: str
    unit: Annotated[float, Meta(gt=0, le=1e6)] = 0.01
    cap: Annotated[float, Meta(gt=0, le=1e9)] = 1_000.0


def plain_sums(
    totals: Mapping[tuple[str, str], ArmTotals], metrics: Iterable[Metric]
) -> dict[tuple[str, str], ArmSums]:
    """What a store has of an experiment, by arm and metric name, in each metric's own measure; of `CROSSED`
    too. What is of a former definition of a metric is left out.
    """
    by_key = {metric.key: metric for metric in metrics}
    found: dict[tuple[str, str], ArmSums] = {}
    for (arm, key), each in totals.items():
        if key in by_key:
            found[arm, by_key[key].name] = by_key[key].plain(each)
        elif key == CROSSED:
            found[arm, CROSSED] = NOBODY._replace(users=each.users)
    return found


def known_metrics(declared: Mapping[str, MetricSettings], meanings: Meanings) -> dict[str, Metric]:
    """The built-in metrics and the app's own, by their names. Raises `SettingsError` for a wrong one."""
    metrics = {metric.name: metric for metric in built_in(meanings)}
    for name, settings in declared.items():
        where = f"metrics.{name}"
        if name in metrics or name == CROSSED:
            raise SettingsError(f"{where} is built in; give the app's own metric another name")
        try:
            metrics[name] = _of_settings(name, settings, meanings)
        except SettingsError as error:
            raise SettingsError(f"{where}: {error}") from None
    return metrics


def _of_settings(name: str, settings: MetricSettings, meanings: Meanings) -> Metric:
    ratio = ratio_of(settings.of, meanings.names)
    unit, cap = Fraction(str(settings.unit)), Fraction(str(settings.cap))
    most = int(cap / unit)
    per_user = ratio.denominator == PER_USER
    below = Part(PER_USER, most=1) if per_user else Part(ratio.denominator, unit, most)
    return Metric(name, settings.of, Part(ratio.numerator, unit, most), below)
