"""Declared experiments against the settings: what their arms override must be there, and they must have room
beside each other. What a registry of models or a build has besides is checked where that is known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from model.errors import SettingsError
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.declared.reading import read_experiment
from streams.experiments.declared.refusal import DeclarationError, Path, unknown
from streams.experiments.registry.changes import declared
from streams.experiments.registry.overrides import leaves
from streams.experiments.registry.state import NONE, Experiment, Registry
from streams.settings.toml_lines import line_of

if TYPE_CHECKING:
    from streams.settings.tree import Settings

ROOT = ("experiments",)


def read_experiments(tree: object, text: str = "") -> dict[str, ExperimentSettings]:
    """The experiments of a table of them; raises `DeclarationError`, with the line of `text` (TOML) where
    there is one.
    """
    if not isinstance(tree, Mapping):
        raise DeclarationError(ROOT, "a table", repr(tree), "write [experiments.NAME] with keys under it")
    registry, found = NONE, dict[str, ExperimentSettings]()
    try:
        for name, raw in tree.items():
            found[name] = read_experiment(name, raw)
            registry = declared(registry, name, found[name], now_ms=0).registry
    except DeclarationError as error:
        raise located(error, text) from None
    return found


def located(error: DeclarationError, text: str) -> DeclarationError:
    """The same, with the line of a TOML text that says so."""
    return error.at_line(line_of(text, error.path)) if text else error


def check_stages(settings: Settings, name: str, experiment: ExperimentSettings) -> None:
    """Raises `DeclarationError` where an arm overrides what is not there, or by a value that can't be."""
    for arm, each in experiment.arms.items():
        path = (*ROOT, name, "arms", arm, "stages")
        for leaf in leaves(each.stages):
            _check_leaf(settings, each.stages, leaf, path)


def check_metrics(name: str, experiment: ExperimentSettings, known: Collection[str]) -> None:
    """Raises `DeclarationError` for a metric that is not among those known."""
    if experiment.primary not in known:
        raise unknown((*ROOT, name, "primary"), experiment.primary, sorted(known), "a metric")
    for at, metric in enumerate(experiment.secondary):
        if metric not in known:
            raise unknown((*ROOT, name, "secondary", str(at)), metric, sorted(known), "a metric")
    for at, guardrail in enumerate(experiment.guardrails):
        if guardrail.metric not in known:
            path = (*ROOT, name, "guardrails", str(at), "metric")
            raise unknown(path, guardrail.metric, sorted(known), "a metric")


def joined(registry: Registry, experiments: Mapping[str, ExperimentSettings]) -> Registry:
    """The registry with the experiments of a settings file that it does not know yet, as declared."""
    of_file = {name: Experiment(each) for name, each in experiments.items() if name not in registry.removed}
    return msgspec.structs.replace(registry, experiments=of_file | registry.experiments)


def without_file(registry: Registry) -> Registry:
    """The registry without what `joined` brought and nobody has touched since: the file goes on saying it."""
    touched = {name: each for name, each in registry.experiments.items() if each != Experiment(each.declared)}
    return msgspec.structs.replace(registry, experiments=touched)


def _check_leaf(settings: Settings, stages: Mapping[str, Any], leaf: Path, path: Path) -> None:
    """One value at a time, so that what is wrong has its place."""
    value: Any = stages
    for key in leaf:
        value = value[key]
    tree: Any = value
    for key in reversed(leaf):
        tree = {key: tree}
    try:
        settings.stages_with(tree, "")
    except SettingsError as error:
        raise refusal(str(error).removeprefix(": "), settings, leaf, path, value) from None


def refusal(said: str, settings: Settings, leaf: Path, path: Path, value: object) -> DeclarationError:
    """What was `said` of the value of a setting, with its place."""
    said, _, _ = said.partition(" - at `$")
    if "unknown field" in said:
        name = said.split("`")[1]
        at = leaf.index(name)
        return unknown((*path, *leaf[: at + 1]), name, _beside(settings, leaf[:at]))
    came, _, expected = said.rpartition("xpected ")
    expected, _, remedy = expected.partition(": ")
    if not came.strip("E"):  # of msgspec: what came follows
        expected, came = expected.partition(", got ")[0], repr(value)
    else:
        came = came.rstrip("e ;")
    return DeclarationError((*path, *leaf), expected, came, remedy or f"correct {leaf[-1]}")


def _beside(settings: Settings, path: Path) -> list[str]:
    """The stage settings that are there at a path."""
    at: Any = settings.stages
    for key in path:
        at = getattr(at, key)
    return list(at.__struct_fields__)
