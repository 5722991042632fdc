"""What a declaration with `design = "interleaved"` must keep."""

from __future__ import annotations

from streams.experiments.declared.experiment import PREFERENCE, ExperimentSettings
from streams.experiments.declared.refusal import DeclarationError, Path

ARMS = 2


def check_design(experiment: ExperimentSettings, path: Path) -> None:
    """Raises `DeclarationError` where it asks for what interleaved slates can't tell."""
    if not experiment.interleaved:
        _check_plain(experiment, path)
        return
    if len(experiment.arms) != ARMS:
        raise _refused(
            (*path, "arms"), "2 arms", str(len(experiment.arms)), "compare more of them two by two"
        )
    for arm, each in experiment.arms.items():
        where = (*path, "arms", arm)
        if each.weight != 1.0:
            raise _refused(
                (*where, "weight"),
                "no weight: every slate is of both arms",
                f"{each.weight:g}",
                "take it out",
            )
        if "exploration" in each.stages:
            raise _refused(
                (*where, "stages", "exploration"),
                "no exploration: an interleaved slate is drawn by its own coins",
                "a table",
                "take it out",
            )
    if experiment.primary != PREFERENCE:
        raise _refused(
            (*path, "primary"), repr(PREFERENCE), repr(experiment.primary), f'say primary = "{PREFERENCE}"'
        )
    told = "the metrics of a slate that is of both arms compare nothing"
    for key, given in (("secondary", experiment.secondary), ("guardrails", experiment.guardrails)):
        if given:
            raise _refused((*path, key), f"none: {told}", str(len(given)), "take them out")
    if experiment.reading != "sequential":
        raise _refused(
            (*path, "reading"),
            '"sequential"',
            repr(experiment.reading),
            "take it out: it may be read at any time",
        )
    if experiment.allocation != "fixed":
        raise _refused((*path, "allocation"), '"fixed"', repr(experiment.allocation), "take it out")
    if experiment.trigger != "none":
        raise _refused(
            (*path, "trigger"),
            '"none": orders that are alike cast no vote',
            repr(experiment.trigger),
            "take it out",
        )
    if experiment.unit != "user":
        raise _refused((*path, "unit"), '"user", who casts one vote', repr(experiment.unit), "take it out")


def _check_plain(experiment: ExperimentSettings, path: Path) -> None:
    if PREFERENCE in experiment.metrics:
        raise _refused(
            path,
            "a metric of arms",
            repr(PREFERENCE),
            'name another metric, or say design = "interleaved"',
        )


def _refused(path: Path, expected: str, came: str, remedy: str) -> DeclarationError:
    return DeclarationError(path, f'{expected} (design = "interleaved")' if came else expected, came, remedy)
