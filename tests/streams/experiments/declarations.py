"""Declarations for tests, as a settings file has them."""

from __future__ import annotations

from typing import Any

from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.declared.reading import read_experiment
from streams.experiments.registry import changes
from streams.experiments.registry.state import NONE, Registry


def raw(arms: dict[str, Any] | int = 2, **more: Any) -> dict[str, Any]:
    """A declaration with everything that it must have; `arms` may be how many, of equal weight."""
    if isinstance(arms, int):
        arms = {f"arm{n}": {} for n in range(arms)}
    return {
        "hypothesis": "It is better.",
        "arms": arms,
        "control": next(iter(arms)),
        "primary": "click_through",
        "users": 1_000,
        "minimum_effect": 0.05,
        **more,
    }


def experiment(name: str = "e", arms: dict[str, Any] | int = 2, **more: Any) -> ExperimentSettings:
    return read_experiment(name, raw(arms, **more))


def running(registry: Registry = NONE, now_ms: int = 0, **declarations: dict[str, Any]) -> Registry:
    """The registry with these declared and started."""
    for name, declaration in declarations.items():
        settings = read_experiment(name, declaration)
        registry = changes.declared(registry, name, settings, now_ms).registry
        registry = changes.started(registry, name, now_ms).registry
    return registry
