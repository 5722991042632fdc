"""What workers measure of the experiments in a registry."""

from __future__ import annotations

from collections.abc import Mapping

from streams.experiments import quantities as q
from streams.experiments.assignment.arm_text import key_of, period_arm
from streams.experiments.declared.experiment import METRICS_MOST
from streams.experiments.measured import Measured, MeasuredExperiment, measured, state_key
from streams.experiments.metric import Metric
from streams.experiments.registry.state import Experiment, Registry


def measured_of(registry: Registry, known: Mapping[str, Metric]) -> Measured:
    """Of each experiment that runs, in the phase that is in force, the metrics that it names. What has ended,
    and former phases, need not be held any longer; those of an adaptive experiment go on, each user in the
    one that they came in. An arm that is stopped takes no new users.

    known: metrics by name. A metric that this build does not know is not measured here.
    """
    running, over = [], []
    for name, each in sorted(registry.experiments.items()):
        begun = list(each.begun)
        in_force = begun[-1:] if each.state == "running" else []
        for number, begins_ms in begun:
            key = key_of(name, number)
            if (number, begins_ms) in in_force:
                metrics = tuple(known[metric] for metric in each.declared.metrics if metric in known)
                if metrics:
                    running.append(_measured(key, each, metrics[:METRICS_MOST], begins_ms))
            else:
                over.append(state_key(key, begins_ms))
    for gone in registry.removed.values():
        over += [state_key(key, begins_ms) for key, begins_ms in gone.begun.items()]
    return measured(running, over)


def _arms(each: Experiment) -> frozenset[str]:
    """What slates may name that count."""
    if not each.declared.adapts:
        return frozenset(each.declared.weights) - {*each.stopped_arms}
    return frozenset(
        period_arm(arm, phase.number)
        for phase in each.phases
        for arm in phase.weights
        if arm in each.in_force
    )


def _measured(key: str, each: Experiment, metrics: tuple[Metric, ...], begins_ms: int) -> MeasuredExperiment:
    window = each.declared.window_days
    return MeasuredExperiment(
        key,
        _arms(each),
        metrics,
        begins_ms,
        each.declared.ends_ms,
        None if window is None else round(window * q.DAY_MS),
    )
