"""Estimators agree with those of obp on the same log (`benchmarks/obp_figures.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.obp_figures import LAMBDAS, SHRINKAGE, THRESHOLD, single_log, slate_log
from streams.experiments.off_policy.doubly_robust import dr, dros, sndr, switch_dr
from streams.experiments.off_policy.marginalised import (
    marginal_weights,
    of_categories,
    weights_by_posterior,
)
from streams.experiments.off_policy.slates import cascade_dr, iips, rips, standard_ips
from streams.experiments.off_policy.slope import slope
from streams.experiments.off_policy.terms import Terms, weights_of
from streams.experiments.off_policy.weighting import ipw, snipw

TOLD = json.loads(Path("benchmarks/results/obp-figures.json").read_text(encoding="utf-8"))["figures"]
LOG, SLATES = single_log(), slate_log()
ROWS = np.arange(len(LOG.action))
REWARD = LOG.reward
WEIGHT = weights_of(LOG.target[ROWS, LOG.action], LOG.logging[ROWS, LOG.action])
PREDICTED, EXPECTED = LOG.model[ROWS, LOG.action], (LOG.target * LOG.model).sum(1)
CATEGORIES = of_categories(LOG.category, LOG.action)


def shrinking(parameter: float) -> Terms:
    return dros(REWARD, WEIGHT, PREDICTED, EXPECTED, parameter)


def chosen(of: np.ndarray) -> np.ndarray:
    """What is known of the logged items: [n, K, A] to [n, K]."""
    return np.take_along_axis(of, SLATES.action[:, :, None], 2)[:, :, 0]


SINGLE = {
    "ipw": ipw(REWARD, WEIGHT),
    "snipw": snipw(REWARD, WEIGHT),
    "dr": dr(REWARD, WEIGHT, PREDICTED, EXPECTED),
    "sndr": sndr(REWARD, WEIGHT, PREDICTED, EXPECTED),
    "switch_dr": switch_dr(REWARD, WEIGHT, PREDICTED, EXPECTED, THRESHOLD),
    "dros": shrinking(SHRINKAGE),
    "dros_slope": shrinking(slope(shrinking, LAMBDAS)),
    "mips": ipw(REWARD, marginal_weights(LOG.target, LOG.logging, CATEGORIES)),
}
LOGGED, TARGET = chosen(SLATES.logging), chosen(SLATES.target)
OF_SLATES = {
    "slate_standard": standard_ips(SLATES.reward, TARGET, LOGGED),
    "slate_iips": iips(SLATES.reward, TARGET, LOGGED),
    "slate_rips": rips(SLATES.reward, TARGET, LOGGED),
    "slate_cascade_dr": cascade_dr(
        SLATES.reward, TARGET, LOGGED, chosen(SLATES.model), (SLATES.target * SLATES.model).sum(2)
    ),
}


@pytest.mark.parametrize(("name", "terms"), [*SINGLE.items(), *OF_SLATES.items()])
def test_an_estimate_is_that_of_obp(name: str, terms: Terms) -> None:
    assert abs(terms.value - TOLD[name]) < 1e-9


def test_all_its_figures_are_compared() -> None:
    assert {*SINGLE, *OF_SLATES, "dros_slope_lambda"} == {*TOLD}


def test_slope_takes_the_same_parameter() -> None:
    assert slope(shrinking, LAMBDAS) == TOLD["dros_slope_lambda"]


def test_the_posterior_of_an_item_gives_the_same_marginal_weights() -> None:
    posterior = LOG.logging * CATEGORIES
    posterior /= posterior.sum(1, keepdims=True)
    by_posterior = weights_by_posterior(LOG.target / LOG.logging, posterior)
    assert np.allclose(by_posterior, marginal_weights(LOG.target, LOG.logging, CATEGORIES), atol=1e-12)
