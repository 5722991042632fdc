"""The models that arms name, checked when the settings are read for service, or an experiment is declared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from export.manifest import Manifest, check_schema, read_manifest, verify
from export.registry import Registry
from model.errors import ManifestError, ModelError, SettingsError
from streams.experiments.declared.experiment import ExperimentArm, ExperimentSettings
from streams.experiments.declared.refusal import DeclarationError
from streams.ranking.model_inputs import feature_names
from streams.ranking.pipeline import source_names
from streams.recommender import check_plans
from streams.settings.ranking import ArmSettings
from streams.settings.tree import Settings


def models_of(arms: Mapping[str, ArmSettings] | Mapping[str, ExperimentArm]) -> frozenset[str]:
    """The models that are named by arms; an arm that names none is served by the active one."""
    return frozenset(arm.model for arm in arms.values() if arm.model)


def check_arms(settings: Settings, registry: Registry | None = None) -> None:
    """Raises `SettingsError` where an arm names a model that is not in the registry (`model.registry`, where
    none is given), whose files are not whole, or that this build can't feed. It names every such arm. The
    same for arms of experiments, and for what they ask of the stages.
    """
    registry = registry or Registry(Path(settings.model.registry))
    features = frozenset(feature_names(source_names()))
    wrong: dict[str, str] = {}
    for model in sorted(models_of(settings.arms)):
        try:
            _check_model(registry.get(model), features)
        except (ModelError, OSError) as error:
            wrong[model] = str(error)
    if wrong:
        raise SettingsError(
            "; ".join(
                f"arms.{name}.model: {wrong[arm.model]}"
                for name, arm in settings.arms.items()
                if arm.model in wrong
            )
        )
    check_plans(settings)
    for name, experiment in settings.experiments.items():
        check_models(name, experiment, registry)


def check_models(name: str, experiment: ExperimentSettings, registry: Registry) -> None:
    """Raises `DeclarationError` where an arm of the experiment names a model that can't be served."""
    features = frozenset(feature_names(source_names()))
    for arm, each in experiment.arms.items():
        if not each.model:
            continue
        try:
            _check_model(registry.get(each.model), features)
        except (ModelError, OSError) as error:
            raise DeclarationError(
                ("experiments", name, "arms", arm, "model"),
                f"a model of {registry.folder} that can be served",
                f"{each.model!r} ({error})",
                "train or copy it there, or name another",
            ) from None


def _check_model(folder: Path, features: frozenset[str]) -> None:
    manifest = read_manifest(folder, Manifest)
    check_schema(folder, manifest.model_schema, None)
    verify(folder, manifest, manifest.required)
    if unknown := [name for name in manifest.model_schema.candidate_features if name not in features]:
        raise ManifestError(
            f"{folder}: the model wants features that this build does not compute: {', '.join(unknown)};"
            " retrain it, or name another"
        )
