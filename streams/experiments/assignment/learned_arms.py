"""Which arms learn by themselves: those of experiments whose arms differ in what a learner moves, the scores.

A slate names the arms of all its experiments. If each combination had a level of its own, 20 experiments
would fill all places with levels that few lessons reach. What an arm is called here follows from the text of
a slate and the settings alone: lessons must teach all processes the same, whichever registry they know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache

from streams.experiments.assignment.arm_text import declared_arm, name_of, served_by
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.registry.overrides import Setting, touched

SCORES: tuple[Setting, ...] = (
    ("model",),
    ("rescoring",),
    ("reweighting",),
    ("feed", "rating_weight"),
    ("feed", "task_weights"),
)
"""Overrides of these change the scores that answers are learned against."""


def experiments_that_learn(
    named: Collection[str], declared: Mapping[str, ExperimentSettings]
) -> frozenset[str]:
    """The experiments that are `named`; where none is, those of the settings whose arms differ in scores."""
    if named:
        return frozenset(named)
    return frozenset(name for name, each in declared.items() if any(map(_scores, touched(each))))


def level_names(experiments: Collection[str], default: str) -> Callable[[str], str]:
    """From the text of a slate to what its arm is called: the arms of these experiments, `default` for none.
    An arm of the settings keeps its name. Phases, periods, and whether a slate counts, make no difference.

    >>> name = level_names({"model"}, "default")
    >>> name("look=plain,model~2=new!"), name("look=plain"), name("calm")
    ('model=new', 'default', 'calm')
    """

    @lru_cache(4_096)
    def level_name(text: str) -> str:
        served = served_by(text)
        if not served:
            return text
        arms = {name_of(each.key): declared_arm(each.arm) for each in served}
        return ",".join(f"{name}={arms[name]}" for name in sorted(arms) if name in experiments) or default

    return level_name


def _scores(setting: Setting) -> bool:
    return any(setting[: len(each)] == each for each in SCORES)
