"""What a learner says of candidates of one request, for tests."""

from __future__ import annotations

import numpy as np

from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from tests.streams.learning.experts.streams_of_choices import COLUMNS

FOLLOWS = COLUMNS.index("follows")


def scored(learner: AdaptiveLearner, features: np.ndarray, level: Level = Level()) -> np.ndarray:
    """The scores of one request whose candidates have all these columns."""
    signals = np.ascontiguousarray(features[:, learner.reads], np.float32)
    out = np.full(len(signals), np.nan, np.float32)
    learner.score(signals, np.array([0, len(signals)]), np.array([len(signals)]), [level], out)
    return out


def gain(learner: AdaptiveLearner, level: Level) -> float:
    """By how much one deviation of `follows` moves a score."""
    features = np.zeros((2, len(COLUMNS)))
    features[1, FOLLOWS] = 1.0
    without, with_it = scored(learner, features, level).tolist()
    return float(with_it - without)
