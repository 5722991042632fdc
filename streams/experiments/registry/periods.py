"""When the weights of an adaptive experiment move: at times that are known from its start on.

Times that rest on results would let a lucky hour decide how long it lasts.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.experiments.declared.adaptive import PERIODS_MAX
from streams.experiments.registry.state import Experiment

NOTHING = 0.0005
"""A weight that moves by less does not move."""


def due(experiment: Experiment, now_ms: int) -> bool:
    """Whether a time to weigh has come since weights were looked at last. A time that no leader was there for
    is made up for once.
    """
    declared = experiment.declared
    if not declared.adapts or experiment.state != "running" or experiment.phase >= PERIODS_MAX:
        return False
    begins_ms, every_ms = experiment.begins_ms, declared.adaptive.every_ms
    if not begins_ms < now_ms < declared.ends_ms:
        return False
    return (now_ms - begins_ms) // every_ms > max(0, experiment.weighed_ms - begins_ms) // every_ms


def same_weights(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether no weight moves from one to the other.

    >>> same_weights({"a": 0.5, "b": 0.5}, {"a": 0.5001, "b": 0.4999})
    True
    """
    return one.keys() == other.keys() and all(abs(one[arm] - other[arm]) < NOTHING for arm in one)
