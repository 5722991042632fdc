"""Metrics: two whole numbers of units for each user, within their caps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions import code_of
from model.errors import SettingsError
from streams.experiments import quantities as q
from streams.experiments.arm_sums import arm_sums
from streams.experiments.arm_totals import ArmTotals, terms_of
from streams.experiments.metric import UNITS_MOST, Part
from streams.experiments.metrics import MetricSettings, known_metrics, plain_sums
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.action_meaning import ActionSettings, Meanings

KNOWN = Settings().known_metrics
ASKED_FOR = (
    "click_through conversion rating dwell revenue session_length return_7_days dislikes diversity novelty"
    " coverage latency sessions"
)


def test_all_that_is_built_in_is_known() -> None:
    assert KNOWN.keys() >= set(ASKED_FOR.split())
    assert all(metric.name == name and metric.says for name, metric in KNOWN.items())
    assert len({metric.digest for metric in KNOWN.values()}) == len(KNOWN)
    assert KNOWN["click_through"].key == Settings().known_metrics["click_through"].key


def test_users_values_are_in_units_and_capped() -> None:
    sums = {code_of("click"): 3, q.PLACES: 12, code_of("purchase"): 4, q.VALUE + code_of("purchase"): 12_345}
    assert (KNOWN["click_through"].x.value(sums, {}), KNOWN["click_through"].y.value(sums, {})) == (3, 12)
    assert (KNOWN["conversion"].x.value(sums, {}), KNOWN["conversion"].y.value(sums, {})) == (1, 1)
    assert KNOWN["revenue"].x.value(sums, {}) == 12_345
    assert KNOWN["revenue"].x.value({q.VALUE + code_of("purchase"): 10**9}, {}) == UNITS_MOST
    assert KNOWN["revenue"].x.value({q.VALUE + code_of("purchase"): -(10**9)}, {}) == -UNITS_MOST
    assert (KNOWN["conversion"].x.value({}, {}), KNOWN["conversion"].y.value({}, {})) == (0, 1)


@given(st.integers(-(10**6), 10**6), st.fractions(Fraction(1, 100), 50, max_denominator=100))
def test_values_are_rounded_half_up(amount: int, unit: Fraction) -> None:
    part = Part({7: Fraction(1, 3)}, unit)
    exact = Fraction(amount, 3) / unit
    assert part.value({7: amount}, {}) == max(
        -UNITS_MOST, min(UNITS_MOST, (exact + Fraction(1, 2)).__floor__())
    )


def test_actions_of_the_app_are_bought_with_and_spend_time() -> None:
    own = {
        "order": ActionSettings(value="money"),
        "listen": ActionSettings(value="seconds"),
        "meh": ActionSettings(says="negative"),
    }
    metrics = known_metrics({}, Meanings(own))
    assert code_of("order") in metrics["conversion"].codes
    assert metrics["revenue"].x.value({q.VALUE + code_of("order"): 250}, {}) == 250
    assert metrics["dwell"].x.value({q.VALUE + code_of("listen"): 250}, {}) == 3
    assert metrics["dislikes"].x.value({code_of("meh"): 2}, {}) == 2


def test_a_metric_of_the_app() -> None:
    settings = override(
        Settings(),
        {"metrics": {"orders": {"of": "count(purchase) / sessions", "unit": 1.0, "cap": 50.0}}},
    )
    metric = settings.known_metrics["orders"]
    assert metric.x.value({code_of("purchase"): 99}, {}) == 50
    assert metric.y.value({q.SESSIONS: 3}, {}) == 3
    per_user = known_metrics({"m": MetricSettings("sum(play) / 60")}, Settings().meanings)["m"]
    assert per_user.x.value({q.VALUE + code_of("play"): 9_000}, {}) == 150  # 90 s are 1.5 min
    assert per_user.y.value({}, {}) == 1
    assert "orders" not in KNOWN


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [
        ("m", {"of": "count(sale)"}, r"metrics.m: .*declare \[actions.sale\]"),
        ("m", {"of": "places", "cap": 1e6, "unit": 0.01}, "coarser unit"),
        ("m", {"of": "places", "cap": 0.001, "unit": 0.01}, "lower cap"),
        ("revenue", {"of": "places"}, "metrics.revenue is built in"),
        ("crossed_over", {"of": "places"}, "is built in"),
        ("m", {"of": "places", "unit": 0}, "unit"),
        ("M", {"of": "places"}, "metrics"),
        ("m", {}, "of"),
    ],
)
def test_a_wrong_metric_is_refused_with_its_settings(
    name: str, settings: dict[str, object], why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        override(Settings(), {"metrics": {name: settings}})


@given(st.lists(st.tuples(*[st.integers(0, 1_000)] * 4), min_size=1, max_size=20))
def test_totals_in_the_metrics_own_measure(values: list[tuple[int, int, int, int]]) -> None:
    metric = KNOWN["revenue"]
    terms = np.array([terms_of(each) for each in values]).sum(0).tolist()
    plain = metric.plain(ArmTotals(terms[0], tuple(terms[1:5]), tuple(terms[5:])))
    expected = arm_sums(np.array(values) * np.array([0.01, 1, 0.01, 1]))
    assert plain.users == expected.users
    np.testing.assert_allclose(plain.sums, expected.sums)
    np.testing.assert_allclose(plain.products, expected.products)


def test_sums_by_name_leave_former_definitions_out() -> None:
    revenue = KNOWN["revenue"]
    totals = {
        ("a", revenue.key): ArmTotals(3, (250, 3, 0, 3)),
        ("a", "revenue@00000000"): ArmTotals(9),
        ("a", "crossed_over"): ArmTotals(2),
    }
    sums = plain_sums(totals, [revenue])
    assert sums.keys() == {("a", "revenue"), ("a", "crossed_over")}
    assert sums["a", "revenue"].sums.tolist() == [2.5, 3, 0, 3]
    assert sums["a", "crossed_over"].users == 2


def test_a_full_arm_stays_within_63_bits() -> None:
    assert 900_000_000 * UNITS_MOST**2 < 2**63
