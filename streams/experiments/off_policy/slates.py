"""Slates: estimators of the sum of the rewards of K places. They differ in what a place's reward depends on.

`reward` [n, K], `target` and `logged` [n, K]: probabilities of each place as it was logged.

    standard      the whole slate: any click model, and the largest variance
    cascade       the places above and itself: users who look from the top (RIPS, cascade-DR)
    independent   itself alone (IIPS)

Propensities of a Headrace slate are conditional on the places above, as `standard_ips`, `rips` and
`cascade_dr` take them. `iips` takes marginal ones.
"""

from __future__ import annotations

import numpy as np

from streams.experiments.off_policy.terms import F64, Terms, averaged, normalised, weights_of


def standard_ips(reward: F64, target: F64, logged: F64) -> Terms:
    """mean(w_{1:K} sum of r_k), from conditional propensities.

    Li, Abbasi-Yadkori, Kveton and others, KDD 2018, "Offline Evaluation of Ranking Policies with Click
    Models", the list estimator (arXiv 1804.10488).
    """
    return averaged(prefix_weights(target, logged)[:, -1] * reward.sum(1))


def rips(reward: F64, target: F64, logged: F64, normalise: bool = False) -> Terms:
    """mean of the sum over k of w_{1:k} r_k, from conditional propensities. `normalise`: each place's weights
    by their sum.

    McInerney et al., KDD 2020, "Counterfactual Evaluation of Slate Recommendations with Sequential Reward
    Interactions" (arXiv 2007.12986); `normalise` is its nRIPS.
    """
    return _weighed(reward, prefix_weights(target, logged), normalise)


def iips(reward: F64, target_at: F64, logged_at: F64, normalise: bool = False) -> Terms:
    """mean of the sum over k of w_k r_k. The probabilities are marginal: that the item stands at place k,
    whatever is above it (`marginals`).

    Li, Abbasi-Yadkori, Kveton and others, KDD 2018, the item-position estimator (arXiv 1804.10488).
    """
    return _weighed(reward, weights_of(target_at, logged_at), normalise)


def cascade_dr(reward: F64, target: F64, logged: F64, predicted: F64, expected: F64) -> Terms:
    """mean of the sum over k of w_{1:k} (r_k - predicted_k) + w_{1:k-1} expected_k, from conditional
    propensities.

    `predicted` [n, K]: a model's reward of place k (or of k and all below) as it was logged; `expected` [n,
    K]: its mean over what the target would put there, given the same places above. Any model leaves the
    estimate unbiased that has not seen the row's own rewards.

    Kiyohara et al., WSDM 2022, "Doubly Robust Off-Policy Evaluation for Ranking Policies under the Cascade
    Behavior Model", section 3.1 (arXiv 2202.01562).
    """
    weight = prefix_weights(target, logged)
    above = np.concatenate([np.ones((len(weight), 1)), weight[:, :-1]], 1)
    return averaged((weight * (reward - predicted) + above * expected).sum(1))


def prefix_weights(target: F64, logged: F64) -> F64:
    """w_{1:k} [n, K]: of the first k places together.

    >>> prefix_weights(np.array([[0.5, 1.0]]), np.array([[0.25, 0.5]])).tolist()
    [[2.0, 4.0]]
    """
    return np.asarray(np.cumprod(weights_of(target, logged), axis=1))


def _weighed(reward: F64, weight: F64, normalise: bool) -> Terms:
    if not normalise:
        return averaged((weight * reward).sum(1))
    return normalised(np.zeros(len(reward)), weight * reward, weight)
