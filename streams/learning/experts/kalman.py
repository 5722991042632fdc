"""A linear model of choices with a posterior that forgets: the extended Kalman filter of a softmax.

The posterior is normal: a mean [K], and a root S [K, K] of its covariance, P = S S'. A choice among places
with chances p takes the Laplace approximation: the precision grows by the Hessian, the sum over places of p_k
(x_k - x)(x_k - x)' around the expected x, one rank-one update a place; then the mean makes one Newton step
along the gradient, x_chosen - x. The root is what is updated (Potter 1963; Bierman, "Factorization Methods
for Discrete Sequential Estimation", 1977): P stays positive however long the stream, and S times a normal
vector is a draw from the posterior.

Forgetting divides P by the discount. A direction that no lesson speaks of would become ever more uncertain,
so no weight's variance is more than before any lesson.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled_side_by_side

F64 = NDArray[np.float64]
NEGLIGIBLE = 1e-9
"""A place with a lower chance adds nothing to the Hessian."""


@compiled_side_by_side
def forget(root: F64, discount: float, variance: float) -> None:
    """Keep the part `discount` of what was known, and `variance` of each weight at most."""
    width, grown = len(root), 1.0 / math.sqrt(discount)
    for i in range(width):
        row, total, other = root[i], 0.0, 0.0
        for j in range(width):
            row[j] *= grown
        for j in range(0, width - 1, 2):
            total += row[j] * row[j]
            other += row[j + 1] * row[j + 1]
        if width % 2:
            total += row[width - 1] * row[width - 1]
        total += other
        if total > variance:
            cut = math.sqrt(variance / total)
            for j in range(width):
                row[j] *= cut


@compiled_side_by_side
def observe(root: F64, direction: F64, seen: F64) -> None:
    """Add direction direction' to the precision; `seen` is scratch [K]."""
    width = len(root)
    quads = width // 4 * 4
    seen[:] = 0.0
    for i in range(width):
        row, part = root[i], direction[i]
        for j in range(width):
            seen[j] += part * row[j]
    total = 1.0
    for j in range(width):
        total += seen[j] * seen[j]
    part = 1.0 / (total + math.sqrt(total))
    for i in range(width):
        row = root[i]
        a, b, c, d = 0.0, 0.0, 0.0, 0.0  # four sums, which the machine can make at once
        for j in range(0, quads, 4):
            a += row[j] * seen[j]
            b += row[j + 1] * seen[j + 1]
            c += row[j + 2] * seen[j + 2]
            d += row[j + 3] * seen[j + 3]
        for j in range(quads, width):
            a += row[j] * seen[j]
        moved = part * ((a + b) + (c + d))
        for j in range(width):
            row[j] -= moved * seen[j]


@compiled_side_by_side
def step(mean: F64, root: F64, gradient: F64, step_max: float, seen: F64, moved: F64) -> None:
    """Move the mean by P gradient, no weight by more than `step_max`; all of it in proportion."""
    width, longest = len(mean), 0.0
    quads = width // 4 * 4
    seen[:] = 0.0
    for i in range(width):
        row, part = root[i], gradient[i]
        for j in range(width):
            seen[j] += part * row[j]
    for i in range(width):
        row, a, b, c, d = root[i], 0.0, 0.0, 0.0, 0.0
        for j in range(0, quads, 4):
            a += row[j] * seen[j]
            b += row[j + 1] * seen[j + 1]
            c += row[j + 2] * seen[j + 2]
            d += row[j + 3] * seen[j + 3]
        for j in range(quads, width):
            a += row[j] * seen[j]
        moved[i] = (a + b) + (c + d)
        longest = max(longest, abs(moved[i]))
    part = step_max / longest if longest > step_max else 1.0
    for i in range(width):
        mean[i] += part * moved[i]
