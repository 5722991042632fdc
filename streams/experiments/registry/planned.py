"""What was planned of an experiment in a registry, as its reading needs it."""

from __future__ import annotations

from streams.experiments.readings.plan import Guardrail, Plan
from streams.experiments.registry.state import Experiment

FALLING = ("dislikes", "latency")
"""Of these less is better."""


def plan_of(experiment: Experiment) -> Plan | None:
    """The plan of the phase that is in force; None where nothing was started, and of an interleaved
    experiment, whose users are not drawn to arms.

    Arms that were stopped are left out: nobody is drawn to them any more, so their shares say nothing. Where
    only control is left, all arms stay, as they were compared until then.
    """
    if not experiment.phases or experiment.declared.interleaved:
        return None
    declared = experiment.declared
    # Those of adaptive ones move; what a sequence is tuned for may not.
    weights = declared.weights if declared.adapts else experiment.weights
    left = {arm: weight for arm, weight in weights.items() if arm not in experiment.stopped_arms}
    return Plan(
        control=declared.control,
        shares=left if len(left) > 1 else dict(weights),
        primary=declared.primary,
        users=declared.users,
        minimum_effect=declared.minimum_effect,
        alpha=declared.alpha,
        guardrails=tuple(Guardrail(each.metric, each.worst) for each in declared.guardrails),
        window_days=declared.window_days,
        reading=declared.reading,
        looks=declared.looks or 1,
        better=dict.fromkeys(FALLING, "down"),
        periods=tuple(phase.weights for phase in experiment.phases) if declared.adapts else (),
    )
