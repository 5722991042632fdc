"""What a declaration must keep by itself, whatever else is declared."""

from __future__ import annotations

from streams.experiments.declared.adaptive import AdaptiveSettings
from streams.experiments.declared.experiment import METRICS_MOST, ExperimentSettings
from streams.experiments.declared.interleaved import check_design
from streams.experiments.declared.refusal import DeclarationError, Path, unknown

ARMS_MAX = 20


def check(name: str, experiment: ExperimentSettings, path: Path) -> None:
    """Raises `DeclarationError` where parts of the declaration don't fit each other."""
    arms = experiment.arms
    if not 2 <= len(arms) <= ARMS_MAX:
        raise DeclarationError(
            (*path, "arms"),
            f"2 to {ARMS_MAX} arms",
            f"{len(arms)}",
            f"add [{'.'.join(path)}.arms.NAME]" if len(arms) < 2 else "take some out",
        )
    if experiment.control not in arms:
        raise unknown((*path, "control"), experiment.control, arms, "the arms")
    for tester, arm in experiment.testers.items():
        if arm not in arms:
            raise unknown((*path, "testers", tester), arm, arms, "the arms")
    if experiment.share + experiment.holdout > 1 + 1e-9:
        raise DeclarationError(
            (*path, "share"),
            f"at most {1 - experiment.holdout:g}, what holdout = {experiment.holdout:g} leaves of the layer",
            f"{experiment.share:g}",
            "lower share or holdout",
        )
    _check_times(experiment, path)
    _check_reading(experiment, path)
    check_design(experiment, path)
    _check_allocation(experiment, path)


def _check_times(experiment: ExperimentSettings, path: Path) -> None:
    starts, ends = experiment.starts, experiment.ends
    if starts is not None and ends is not None and ends <= starts:
        raise DeclarationError(
            (*path, "ends"),
            f"a time after starts, {starts.isoformat()}",
            ends.isoformat(),
            "correct one of both",
        )


def _check_allocation(experiment: ExperimentSettings, path: Path) -> None:
    if not experiment.adapts:
        if experiment.adaptive != AdaptiveSettings():
            raise DeclarationError(
                (*path, "adaptive"),
                'nothing with allocation = "fixed"',
                "a table",
                'take it out, or say allocation = "adaptive"',
            )
        return
    if experiment.unit != "user":
        raise DeclarationError(
            (*path, "unit"),
            '"user" with allocation = "adaptive": users are counted, in the period that they came in',
            repr(experiment.unit),
            'take it out, or say allocation = "fixed"',
        )
    if experiment.reading != "sequential":
        raise DeclarationError(
            (*path, "reading"),
            '"sequential" with allocation = "adaptive"',
            repr(experiment.reading),
            'take it out, or say allocation = "fixed"',
        )
    if len({*experiment.weights.values()}) > 1:
        raise DeclarationError(
            (*path, "arms"),
            'equal weights with allocation = "adaptive", which moves them by itself',
            ", ".join(f"{arm} {weight:g}" for arm, weight in experiment.weights.items()),
            "take the weights out",
        )


def _check_reading(experiment: ExperimentSettings, path: Path) -> None:
    if experiment.reading == "group" and experiment.looks < 2:
        raise DeclarationError(
            (*path, "looks"), '2 looks or more with reading = "group"', f"{experiment.looks}", "say looks = 5"
        )
    if experiment.reading != "group" and experiment.looks:
        raise DeclarationError(
            (*path, "looks"),
            'no looks with reading = "sequential", which may be read at any time',
            f"{experiment.looks}",
            'take looks out, or say reading = "group"',
        )
    if len(experiment.metrics) > METRICS_MOST:
        raise DeclarationError(
            (*path, "secondary"),
            f"{METRICS_MOST} metrics at most, with the primary one and those of guardrails",
            f"{len(experiment.metrics)}",
            "name fewer",
        )
    seen: set[str] = set()
    for at, guardrail in enumerate(experiment.guardrails):
        where = (*path, "guardrails", str(at))
        if guardrail.metric in seen:
            raise DeclarationError(
                (*where, "metric"), "one guardrail a metric", repr(guardrail.metric), "take one of both out"
            )
        if guardrail.worst == 0:
            raise DeclarationError(
                (*where, "worst"),
                "a change below 0 where less is worse, above 0 where more is worse",
                "0",
                "say worst = -0.02, or 0.02",
            )
        seen.add(guardrail.metric)
