"""What workers measure of the experiments in a registry."""

from __future__ import annotations

from collections.abc import Mapping

from streams.experiments import quantities as q
from streams.experiments.assignment.arm_text import key_of
from streams.experiments.declared.experiment import METRICS_MOST
from streams.experiments.measured import Measured, MeasuredExperiment, measured, state_key
from streams.experiments.metric import Metric
from streams.experiments.registry.state import Experiment, Registry


def measured_of(registry: Registry, known: Mapping[str, Metric]) -> Measured:
    """Of each experiment that runs, in the phase that is in force, the metrics that it names. What has ended,
    and former phases, need not be held any longer. An arm that is stopped takes no new users.

    known: metrics by name. A metric that this build does not know is not measured here.
    """
    running, over = [], []
    for name, each in sorted(registry.experiments.items()):
        in_force = each.phases[-1:] if each.state == "running" else ()
        for number, begins_ms in each.begun:
            key = key_of(name, number)
            if in_force and number == in_force[0].number:
                metrics = tuple(known[metric] for metric in each.declared.metrics if metric in known)
                if metrics:
                    running.append(_measured(key, each, metrics[:METRICS_MOST], begins_ms))
            else:
                over.append(state_key(key, begins_ms))
    for gone in registry.removed.values():
        over += [state_key(key, begins_ms) for key, begins_ms in gone.begun.items()]
    return measured(running, over)


def _measured(key: str, each: Experiment, metrics: tuple[Metric, ...], begins_ms: int) -> MeasuredExperiment:
    window = each.declared.window_days
    return MeasuredExperiment(
        key,
        frozenset(each.declared.weights) - {*each.stopped_arms},
        metrics,
        begins_ms,
        each.declared.ends_ms,
        None if window is None else round(window * q.DAY_MS),
    )
