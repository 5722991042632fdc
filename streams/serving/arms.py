"""The models that arms name, checked when the settings are read for service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from export.manifest import Manifest, check_schema, read_manifest, verify
from export.registry import Registry
from model.errors import ManifestError, ModelError, SettingsError
from streams.ranking.model_in_service import feature_names
from streams.ranking.pipeline import sources
from streams.settings.sections import ArmSettings
from streams.settings.tree import Settings


def models_of(arms: Mapping[str, ArmSettings]) -> frozenset[str]:
    """The models that are named by arms; an arm that names none is served by the active one."""
    return frozenset(arm.model for arm in arms.values() if arm.model)


def check_arms(settings: Settings, registry: Registry | None = None) -> None:
    """Raises `SettingsError` where an arm names a model that is not in the registry (`model.registry`, where
    none is given), whose files are not whole, or that this build can't feed. It names every such arm.
    """
    registry = registry or Registry(Path(settings.model.registry))
    features = frozenset(feature_names([source.name for source in sources()]))
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


def _check_model(folder: Path, features: frozenset[str]) -> None:
    manifest = read_manifest(folder, Manifest)
    check_schema(folder, manifest.model_schema, None)
    verify(folder, manifest, manifest.required)
    if unknown := [name for name in manifest.model_schema.candidate_features if name not in features]:
        raise ManifestError(
            f"{folder}: the model wants features that this build does not compute: {', '.join(unknown)};"
            " retrain it, or name another"
        )
