"""Intervals and p-values that may be looked at at any time: asymptotic confidence sequences.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences" (Annals of Statistics 2024; arXiv 2103.06476, equations as numbered in version 7). The chance that
any interval of the sequence ever misses the truth is about alpha, however often and long one looks.

`users`: of both arms, or whatever else the sequence counts its time by. `rho`: from `rho_for`.
"""

from __future__ import annotations

import math

import numpy as np

from streams.experiments.readings.moments import F64, Values


def rho_for(alpha: float, users: float, two_sided: bool = True) -> float:
    """The rho with which the interval is the narrowest about this many users (equation 161)."""
    level = -2.0 * math.log(alpha if two_sided else 2.0 * alpha)
    return math.sqrt((level + math.log(level + 1.0)) / users)


def stretch(users: Values, alpha: float, rho: float) -> F64:
    """The square of half the interval's width over the standard error (equation 9)."""
    of_time = users * rho**2
    with np.errstate(divide="ignore", invalid="ignore"):
        found: F64 = 2.0 * (of_time + 1.0) / of_time * np.log(np.sqrt(of_time + 1.0) / alpha)
    return found


def one_sided_stretch(users: Values, alpha: float, rho: float) -> F64:
    """The same from the estimate to the bound of a one-sided sequence (equation 134); so is `rho`."""
    of_time = users * rho**2
    with np.errstate(divide="ignore", invalid="ignore"):
        found: F64 = 2.0 * (of_time + 1.0) / of_time * np.log1p(np.sqrt(of_time + 1.0) / (2.0 * alpha))
    return found


def log_e_value(value: Values, variance: Values, users: Values, rho: float) -> F64:
    """The logarithm of the evidence against "the true value is 0": an e-process (the normal mixture of
    equation 155). `variance`: of `value`; where there is none, there is no evidence.
    """
    of_time = users * rho**2
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = np.where(variance > 0.0, value**2 / variance, 0.0)
        found: F64 = of_time * squared / (2.0 * (of_time + 1.0)) - 0.5 * np.log(of_time + 1.0)
    return found


def p_value(log_e: F64) -> F64:
    """The p-value of an e-value: 1 / e, at most 1 (equation 155)."""
    found: F64 = np.exp(-np.maximum(log_e, 0.0))
    return found
