"""Expected ratings on the scale of what came: an affine correction, folded into the network's last layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from model.examples import Shard
from model.network import FusionNet
from model.ranking import scores_of
from model.schema import F32
from model.vocabulary import Vocabulary

PRIOR = 100.0  # examples' worth of belief that nothing needs correction


def calibrate_ratings(
    net: FusionNet, held_out: Sequence[Shard], vocabulary: Vocabulary
) -> tuple[float, float]:
    """Correct the rating head by the held-out examples; the slope and the shift that were found.

    A network that was fitted to few ratings says too much: its high ones are too high, its low ones too low.
    """
    at = net.schema.tasks.index("rating")
    rating = np.concatenate([each.rating for each in held_out] or [np.empty(0, np.float32)])
    rated = ~np.isnan(rating)
    if not rated.any():
        return 1.0, 0.0
    said = scores_of(net, held_out, vocabulary)[rated, 0, at]
    slope, shift = correction(said, rating[rated])
    with torch.no_grad():
        for layer in (net.rescorer.heads, net.rescorer.skip):
            layer.weight[at] *= slope
            layer.bias[at] *= slope
        net.rescorer.skip.bias[at] += shift
    return slope, shift


def correction(said: F32, came: F32) -> tuple[float, float]:
    """Slope and shift of the least squares line from what was said to what came, drawn to (1, 0) by `PRIOR`
    examples that lie on it as widely as the ratings do.

    >>> said, came = (np.array(values * 500, np.float32) for values in ([2.0, 4.0], [2.5, 3.5]))
    >>> correction(said, came)[0] < 0.6
    True
    """
    centre, spread = float(said.mean()), float(came.var()) + 1e-6
    apart = said.astype(np.float64) - centre
    left = came.astype(np.float64) - centre
    slope = float((apart @ left + PRIOR * spread) / (apart @ apart + PRIOR * spread))
    level = float((left - slope * apart).sum() / (len(said) + PRIOR))
    return slope, centre * (1.0 - slope) + level
