"""What is answered where something can't be done with an experiment."""

from __future__ import annotations

from model.errors import ExperimentError, SettingsError
from streams.experiments.declared.refusal import DeclarationError
from streams.gateway.errors import ProblemError, problem


def refusal(error: SettingsError | ExperimentError) -> ProblemError:
    """What is answered where something can't be done with an experiment."""
    if isinstance(error, DeclarationError):
        return ProblemError(
            problem(
                422, "bad_declaration", expected=f"{'.'.join(error.path)}: {error.expected}", came=error.came,
                remedy=error.remedy,
            )
        )  # fmt: skip
    if isinstance(error, ExperimentError):
        status = 404 if error.reason in ("unknown", "unknown_arm") else 409
        return ProblemError(
            problem(
                status, f"experiment_{error.reason}", expected="an experiment for which this can be done",
                came=str(error).partition("; ")[0], remedy=str(error).partition("; ")[2] or str(error),
            )
        )  # fmt: skip
    return ProblemError(
        problem(422, "bad_settings", expected="what the settings have", came=str(error), remedy="correct it")
    )
