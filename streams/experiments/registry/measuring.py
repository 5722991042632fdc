"""What workers measure of the experiments in a registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from streams.experiments import quantities as q
from streams.experiments.assignment.arm_text import key_of, period_arm
from streams.experiments.declared.experiment import METRICS_MOST
from streams.experiments.measured import Measured, MeasuredExperiment, measured, state_key
from streams.experiments.metric import Metric
from streams.experiments.registry.state import Experiment, Phase, Registry


def measured_of(registry: Registry, known: Mapping[str, Metric]) -> Measured:
    """Of each experiment that runs, in the phase that is in force, the metrics that it names. What has ended,
    and former phases, need not be held any longer; those of an adaptive experiment go on, each user in the
    one that they came in. An arm that is stopped takes no new users.

    known: metrics by name. A metric that this build does not know is not measured here.
    """
    running, over = [], []
    for name, each in sorted(registry.experiments.items()):
        phases = each.phases[:1] if each.declared.adapts else each.phases
        in_force = phases[-1:] if each.state == "running" else ()
        for number, begins_ms in _begun(each, phases):
            key = key_of(name, number)
            if in_force and number == in_force[0].number:
                metrics = tuple(known[metric] for metric in each.declared.metrics if metric in known)
                if metrics:
                    running.append(_measured(key, each, metrics[:METRICS_MOST], begins_ms))
            else:
                over.append(state_key(key, begins_ms))
    return measured(running, over)


def _begun(each: Experiment, phases: Sequence[Phase]) -> Iterator[tuple[int, int]]:
    """Its phases by number, and when each began."""
    return ((phase.number, max(phase.since_ms, each.declared.starts_ms)) for phase in phases)


def _arms(each: Experiment) -> frozenset[str]:
    """What slates may name that count."""
    if not each.declared.adapts:
        return frozenset(each.in_force)
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
