"""A registered model, put into service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from export.loaded import LoadedModel, load_model
from export.manifest import Manifest
from export.providers import OnFallback
from streams.rescoring import ModelInService
from streams.settings import ModelSettings


def in_service(loaded: LoadedModel, sources: Sequence[str]) -> ModelInService:
    """A loaded model as the pipeline serves it; `sources` as in `Pipeline.names`. One whose examples knew no
    candidates of a user tower brings none.
    """
    return ModelInService(
        loaded.manifest.name,
        loaded.manifest.model_schema,
        loaded.vocabulary,
        loaded.tower.vectors,
        loaded.users.vectors if loaded.manifest.retrieves else None,
        loaded.rescorer.score,
        sources,
    )


def other_graph(manifest: Manifest, digest: str) -> str:
    """What is wrong where a model was trained with another knowledge graph than this one ("" for none); ""
    where nothing is.
    """
    trained = str(manifest.training.get("graph", ""))
    if trained == digest:
        return ""
    return (
        f"model {manifest.name!r} was trained with knowledge graph {trained or '(none)'}, here is "
        f"{digest or '(none)'}: it ranks worse so; set graph.triples and graph.links as for its training"
    )


def load_in_service(
    folder: Path, settings: ModelSettings, sources: Sequence[str], on_fallback: OnFallback | None = None
) -> ModelInService:
    """The model in `folder`, checked, on the providers that the settings name."""
    loaded = load_model(
        folder, settings.providers, settings.fallback, settings.threads, on_fallback=on_fallback
    )
    return in_service(loaded, sources)
