"""Inverse propensity weighting, of one choice a row. No model of the rewards is needed.

`reward` [n] of what was logged; `weight` [n], its importance weight (`terms.weights_of`).
"""

from __future__ import annotations

from streams.experiments.off_policy.terms import F64, Terms, averaged, normalised


def ipw(reward: F64, weight: F64) -> Terms:
    """mean(w r). Unbiased where the logging arm gives all that the target shows a chance.

    Horvitz and Thompson, JASA 47 (1952); for policies Dudik, Erhan, Langford and Li, Statistical Science 29
    (2014), the IPS estimator of section 2 (arXiv 1503.02834).
    """
    return averaged(weight * reward)


def snipw(reward: F64, weight: F64) -> Terms:
    """sum(w r) / sum(w): self-normalised. A bias of the order 1/n, for far less variance.

    Swaminathan and Joachims, NeurIPS 2015, "The Self-Normalized Estimator for Counterfactual Learning",
    section 4.
    """
    return normalised(0.0 * reward, weight * reward, weight)
