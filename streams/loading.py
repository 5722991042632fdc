"""A registered model, put into service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from export.loaded import LoadedModel, load_model
from export.providers import OnFallback
from streams.rescoring import ModelInService
from streams.settings import ModelSettings


def in_service(loaded: LoadedModel, sources: Sequence[str]) -> ModelInService:
    """A loaded model as the pipeline serves it; `sources` as in `Pipeline.names`."""
    return ModelInService(
        loaded.manifest.name,
        loaded.manifest.model_schema,
        loaded.vocabulary,
        loaded.tower.vectors,
        loaded.users.vectors,
        loaded.rescorer.score,
        sources,
    )


def load_in_service(
    folder: Path, settings: ModelSettings, sources: Sequence[str], on_fallback: OnFallback | None = None
) -> ModelInService:
    """The model in `folder`, checked, on the providers that the settings name."""
    loaded = load_model(
        folder, settings.providers, settings.fallback, settings.threads, on_fallback=on_fallback
    )
    return in_service(loaded, sources)
