"""Metrics: what an experiment measures of each user, as a pair of integers.

A metric is a ratio of two values of a user, numerator x and denominator y, each of them a multiple of a unit,
and never beyond a cap (values are winsorised at it): one user can't carry an arm, and sums stay exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from model.actions import code_of
from model.errors import SettingsError
from streams.experiments import quantities as q
from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.arm_totals import ArmTotals
from streams.experiments.metric_expression import PER_USER, Terms, ratio_of
from streams.state.action_meaning import Meanings

UNITS_MOST = 100_000
"""A cap in units. So 900 million users, all at it, still sum up within 63 bits."""
DAYS = (1, 2, 3, 7, 14, 28, 30)
"""`return_N_days` is known for these."""
CROSSED = "crossed_over"
"""In an arm's sums under this name, `users` are those who also saw another arm of the experiment."""

Sums = Mapping[int, int]
"""Of quantities by their codes, how much there was; 0 where there is nothing."""
MetricName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]


class MetricSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric of the app's own, `[metrics.NAME]`. `of`: an expression (`metric_expression`).

    `unit`: values are rounded to multiples of it. `cap`: a user's numerator and denominator count as no more
    than this (nor as less than minus this).
    """

    of: str
    unit: Annotated[float, Meta(gt=0, le=1e6)] = 0.01
    cap: Annotated[float, Meta(gt=0, le=1e9)] = 1_000.0


@dataclass(frozen=True)
class Part:
    """A numerator or a denominator: `terms`, in multiples of `unit`, at most `most` of them."""

    terms: Terms
    unit: Fraction = Fraction(1)
    most: int = UNITS_MOST

    def __post_init__(self) -> None:
        if not 1 <= self.most <= UNITS_MOST:
            raise SettingsError(
                f"a cap of {self.most} units of {float(self.unit):g}; expected 1 to {UNITS_MOST}: choose a"
                " coarser unit or a lower cap"
            )

    @cached_property
    def value(self) -> Callable[[Sums, Sums], int]:
        """From a user's quantities, and what of them does not count, to this in units: rounded half up, then
        within the cap.
        """
        weights = {code: weight / self.unit for code, weight in self.terms.items()}
        parts = lcm(*(weight.denominator for weight in weights.values()))
        whole = {code: int(weight * parts) for code, weight in weights.items()}
        constant, most = whole.pop(q.USERS, 0), self.most

        def capped(value: int) -> int:
            if parts > 1:
                value = (2 * value + parts) // (2 * parts)
            return min(value, most) if value > 0 else max(value, -most)

        if not whole:
            always = capped(constant)
            return lambda totals, base: always
        if list(whole.values()) == [1] and parts == 1 and not constant:  # as most are
            ((code, _),) = whole.items()

            def count(totals: Sums, base: Sums) -> int:
                value = totals.get(code, 0) - base.get(code, 0)
                return value if -most <= value <= most else capped(value)

            return count
        terms = tuple(whole.items())

        def value(totals: Sums, base: Sums) -> int:
            return capped(
                constant + sum(weight * (totals.get(code, 0) - base.get(code, 0)) for code, weight in terms)
            )

        return value


@dataclass(frozen=True)
class Metric:
    """`says`: in words. `x` and `y`: numerator and denominator."""

    name: str
    says: str
    x: Part
    y: Part

    @cached_property
    def codes(self) -> frozenset[int]:
        """The quantities it needs."""
        return frozenset({*self.x.terms, *self.y.terms}) - {q.USERS}

    @cached_property
    def digest(self) -> bytes:
        """4 bytes that name its definition."""
        parts = [(sorted(part.terms.items()), part.unit, part.most) for part in (self.x, self.y)]
        return hashlib.blake2b(repr((self.name, parts)).encode(), digest_size=4).digest()

    @cached_property
    def key(self) -> str:
        """Under which its sums are kept. A metric that is defined anew begins anew."""
        return f"{self.name}@{self.digest.hex()}"

    def plain(self, totals: ArmTotals) -> ArmSums:
        """An arm's sums in the metric's own measure, such as money, in place of units."""
        unit = np.array([float(self.x.unit), float(self.y.unit)] * 2)
        return ArmSums(
            totals.users,
            np.array(totals.sums, np.float64) * unit,
            np.array(totals.square, np.float64) * np.outer(unit, unit),
        )


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
    metrics = {metric.name: metric for metric in _built_in(meanings)}
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


def _built_in(meanings: Meanings) -> list[Metric]:
    one, hundredth = Fraction(1), Fraction(1, q.PER_ONE)
    with_value: dict[str, list[int]] = {"seconds": [], "money": []}
    for name, each in meanings.settings.items():
        if each.value in with_value:
            with_value[each.value].append(meanings.codes[name])
    buying = dict.fromkeys([code_of("purchase"), *with_value["money"]], one)
    negative = dict.fromkeys([meanings.codes[name] for name in meanings.saying("negative")], one)
    stars = q.VALUE + code_of("review")
    user, places = Part(PER_USER, most=1), Part({q.PLACES: one})
    return [
        Metric("click_through", "clicks per place shown", Part({code_of("click"): one}), places),
        Metric("conversion", "users who bought something", Part(buying, most=1), user),
        Metric(
            "rating",
            "stars per rating",
            Part({stars: hundredth}, Fraction(1, 10)),
            Part({q.RATINGS: one}, most=UNITS_MOST // 50),
        ),
        Metric(
            "dwell",
            "seconds spent, per user",
            Part({q.VALUE + code: hundredth for code in with_value["seconds"]}),
            user,
        ),
        Metric(
            "revenue",
            "money spent, per user",
            Part({q.VALUE + code: hundredth for code in with_value["money"]}, hundredth),
            user,
        ),
        Metric("sessions", "sessions per user", Part({q.SESSIONS: one}), user),
        Metric(
            "session_length",
            "minutes per session",
            Part({q.SESSION_TENTHS: Fraction(1, 10)}, Fraction(1, 10)),
            Part({q.SESSIONS: one}),
        ),
        *(
            Metric(
                f"return_{n}_days",
                f"users who came back within {n} days",
                Part({q.RETURNED + n: one}, most=1),
                user,
            )
            for n in DAYS
        ),
        Metric("dislikes", "actions that say 'negative', per place shown", Part(negative), places),
        Metric(
            "diversity", "different categories in a slate, per place shown", Part({q.DIFFERENT: one}), places
        ),
        Metric("novelty", "bits of surprise, per place shown", Part({q.BITS: hundredth}), places),
        Metric("coverage", "items that nobody had been shown, per place shown", Part({q.FIRST: one}), places),
        Metric(
            "latency",
            "milliseconds from an action to its slate",
            Part({q.DELAY_MS: one}, Fraction(10)),
            Part({q.DELAYS: one}),
        ),
    ]
