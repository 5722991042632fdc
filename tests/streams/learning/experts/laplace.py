"""The experts once more, in plain numpy with inverses: what the compiled ones are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def softmax(values: F64) -> F64:
    values = np.exp(values - values.max())
    return np.asarray(values / values.sum(), np.float64)


class Laplace:
    """One linear expert: a mean and a covariance."""

    def __init__(self, signals: int, discount: float, variance: float) -> None:
        self.discount, self.variance = discount, variance
        self.mean: F64 = np.eye(signals)[0]
        self.covariance: F64 = variance * np.eye(signals)

    def forget(self, part: float = 1.0) -> None:
        self.covariance /= self.discount**part
        cut = np.sqrt(np.minimum(1.0, self.variance / np.diag(self.covariance)))
        self.covariance *= np.outer(cut, cut)

    def chances(self, x: F64, offsets: F64, sign: float = 1.0) -> F64:
        return softmax(sign * (x @ self.mean) + offsets)

    def choose(
        self, x: F64, offsets: F64, place: int, sign: float = 1.0, weight: float = 1.0, most: float = np.inf
    ) -> None:
        p = self.chances(x, offsets, sign)
        around = x - p @ x
        hessian = weight * (around.T * p) @ around
        self.covariance = np.asarray(np.linalg.inv(np.linalg.inv(self.covariance) + hessian), np.float64)
        step = self.covariance @ (sign * weight * around[place])
        self.mean += step * min(1.0, float(most / np.abs(step).max()))


class Mixture:
    """A fixed share of the frozen order and of linear experts."""

    def __init__(
        self, signals: int, discounts: Sequence[float], share: float, variance: float, most: float
    ) -> None:
        self.experts = [Laplace(signals, discount, variance) for discount in discounts]
        self.weights = np.full(len(discounts) + 1, 1 / (len(discounts) + 1))
        self.share, self.most = share, most
        self.scale, self.scale_variance, self.variance = 1.0, variance, variance

    def chances(self, x: F64, offsets: F64, sign: float = 1.0) -> F64:
        """[experts, n], the frozen one first."""
        frozen = softmax(sign * self.scale * x[:, 0] + offsets)
        return np.array([frozen, *(expert.chances(x, offsets, sign) for expert in self.experts)])

    def learn(
        self, x: F64, offsets: F64, choices: Sequence[tuple[int, int, float]], loss_max: float, nats: float
    ) -> None:
        left = np.arange(len(x))
        for expert in self.experts:
            expert.forget()
        for place, sign, told in choices:
            at = int(np.flatnonzero(left == place)[0])
            chances = self.chances(x[left], offsets[left], sign)
            p = chances[:, at]
            mixed = -np.log(self.weights @ p)
            weight = told * min(1.0, (np.log(len(left)) + nats) / mixed) ** 2
            loss = -np.log(p)
            self.weights = self.weights * np.exp(-weight * np.minimum(loss - loss.min(), loss_max))
            self.weights /= self.weights.sum()
            self.weights = (1 - self.share) * self.weights + self.share / len(self.weights)
            self._learn_scale(self.scale * x[left, 0], chances[0], at, sign, weight)
            for expert in self.experts:
                expert.choose(x[left], offsets[left], at, sign, weight, self.most)
            left = np.delete(left, at)

    def _learn_scale(self, utility: F64, p: F64, at: int, sign: float, weight: float) -> None:
        """The frozen order, exp(s) x: one Newton step of s."""
        around = utility - p @ utility
        before = min(self.scale_variance / 0.9995, self.variance)
        self.scale_variance = 1 / (1 / before + weight * float(p @ around**2))
        step = self.scale_variance * weight * sign * float(around[at])
        self.scale = float(np.clip(self.scale * np.exp(np.clip(step, -self.most, self.most)), 0.02, 50.0))

    def score(self, x: F64) -> F64:
        return np.asarray(np.log(self.weights @ self.chances(x, np.zeros(len(x)))))
