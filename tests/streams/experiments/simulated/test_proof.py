"""A small simulation keeps what is promised; what it asserts fails by chance less than once in 10 ** 5."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from model.errors import SettingsError
from streams.experiments.simulated.promises import promises
from streams.experiments.simulated.proof import Options, Proof, prove
from streams.offline.replay.options import silent

OPTIONS = Options(seed=20, runs=400, planted=200, users=3_000, window=300, kinds=("ratio", "mean"))


@pytest.fixture(scope="module")
def proof() -> Proof:
    return prove(OPTIONS, silent)


def test_sequences_seldom_alarm_and_a_test_at_each_look_often_does(proof: Proof) -> None:
    for each in proof.kinds:
        for name in ("sequence, CUPED", "sequence", "sequence, CUPED, open-ended", "guardrail, CUPED"):
            assert each.alarms[name].share < 0.065  # about .02 is true: 26 of 400 are 6 standard errors away
        assert each.alarms["z test at each look"].share > 0.15  # about .25 is true
        assert each.alarms["fixed horizon, CUPED"].share < 0.11  # .05 is true


def test_the_planned_effect_is_found_and_sooner_with_cuped(proof: Proof) -> None:
    for each in proof.kinds:
        power = each.power
        assert power["sequence, CUPED"].share > 0.78  # .9 is true
        assert power["sequence, CUPED"].right == power["sequence, CUPED"].share
        assert power["sequence, CUPED"].mean_users < power["sequence"].mean_users
        assert power["sequence, CUPED"].mean_users < 0.8 * OPTIONS.users
        assert power["O'Brien-Fleming, CUPED"].share > 0.85
        assert power["fixed horizon, CUPED"].mean_users == OPTIONS.users


def test_lifts_are_covered(proof: Proof) -> None:
    for each in proof.kinds:
        assert each.covered_ever > 0.88
        assert 0.87 < each.covered_end < 1.0
        assert 0.87 < each.covered_delta < 1.0
        assert 0.1 < each.noise_cut < 0.6


def test_weights_that_move_alarm_no_more_often_and_cost_fewer_clicks(proof: Proof) -> None:
    seen = proof.adaptive
    assert seen is not None
    assert seen.alarms < 0.09  # .05 at most is true: 36 of 400 are 4 standard errors away
    assert seen.misnamed < 0.09
    assert seen.plain_alarms > seen.alarms
    assert seen.covered > 0.88
    assert seen.regret < 0.9 * seen.equal_regret


def test_mismatches_are_found(proof: Proof) -> None:
    fair, lost, shifted = proof.mismatches
    assert fair.share < 0.04
    assert lost.share > 0.9
    assert shifted.share == 1.0
    assert (shifted.median_users or 0) < (lost.median_users or 0)


def test_promises_are_judged_but_for_chance(proof: Proof) -> None:
    judged = promises(proof)
    assert len(judged) == 2 * 7 + 4 + 3
    broken = msgspec.structs.replace(
        proof, kinds=[msgspec.structs.replace(each, covered_ever=0.8) for each in proof.kinds]
    )
    assert [each.what for each in promises(broken) if not each.kept][:1] == [
        "ratio: lift covered at all looks"
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seed": -1}, "--seed"),
        ({"runs": 1}, "--runs"),
        ({"users": 150}, "--users"),
        ({"window": 0}, "--window"),
        ({"alpha": 0.5}, "--alpha"),
        ({"effect": 0.0}, "--effect"),
        ({"effect": 0.9}, "--effect"),
    ],
)
def test_options_that_can_not_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Options(**wrong)


def test_too_few_users_for_an_effect_are_said() -> None:
    with pytest.raises(SettingsError, match="too few for conversion"):
        prove(Options(runs=2, planted=2, users=200, kinds=("conversion",)), silent)
