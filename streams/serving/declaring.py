"""Whether an experiment can be served by this build, under these settings, with the models that are there."""

from __future__ import annotations

from pathlib import Path

from export.registry import Registry
from streams.experiments.declared.experiment import ExperimentSettings
from streams.ranking.arm_plans import ArmPlans
from streams.ranking.pipeline import source_names
from streams.serving.arms import check_models
from streams.settings.experiments import check_metrics
from streams.settings.tree import Settings


def check_declaration(settings: Settings, name: str, experiment: ExperimentSettings) -> None:
    """Raises `DeclarationError` where it names a setting, a source, a model or a metric that is not there."""
    ArmPlans(settings, source_names()).check(name, experiment)
    check_metrics(name, experiment, settings.known_metrics)
    check_models(name, experiment, Registry(Path(settings.model.registry)))
