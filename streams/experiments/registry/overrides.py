"""Which settings an experiment touches. Experiments of different layers meet in one user, so no two of them
may touch the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from streams.experiments.declared.experiment import ExperimentArm, ExperimentSettings

Setting = tuple[str, ...]


def touched(experiment: ExperimentSettings) -> set[Setting]:
    """The settings that any of its arms overrides, as keys: ("feed", "size"), or ("model",)."""
    return {setting for arm in experiment.arms.values() for setting in touched_by(arm)}


def touched_by(arm: ExperimentArm) -> set[Setting]:
    """The settings that an arm overrides."""
    return {*leaves(arm.stages), *([("model",)] if arm.model else [])}


def leaves(tree: Mapping[str, Any], path: Setting = ()) -> Iterator[Setting]:
    """The keys down to each value of a tree.

    >>> list(leaves({"feed": {"size": 5, "task_weights": {"buy": 1.0}}}))
    [('feed', 'size'), ('feed', 'task_weights', 'buy')]
    """
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name)


def clash(one: set[Setting], other: set[Setting]) -> Setting | None:
    """A setting that both touch, or of which one touches a part; None for none."""
    for a in sorted(one):
        for b in sorted(other):
            shorter = min(len(a), len(b))
            if a[:shorter] == b[:shorter]:
                return max(a, b, key=len)
    return None
