"""A registered model, put into service."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from export.loaded import LoadedModel, load_model
from export.manifest import Manifest, TextEncoderRef, TextManifest, read_manifest
from export.providers import OnFallback
from export.registry import Registry
from export.text import TextEncoder, encoder_name, load_text_encoder
from model.errors import ModelError
from model.universal import UNIVERSAL
from streams.ranking.model_in_service import ModelInService
from streams.serving.opining import opining
from streams.serving.text_identity import identity_of
from streams.serving.unknown_tokens import WatchedEncoder
from streams.settings.models import ModelSettings
from streams.state.user_state import WORDS_DIM

log = logging.getLogger(__name__)


def in_service(loaded: LoadedModel, sources: Sequence[str]) -> ModelInService:
    """A loaded model as the pipeline serves it; `sources` as in `Pipeline.names`. One whose examples knew no
    candidates of a user tower brings none. Raises `ModelError` where it reads texts of another width.
    """
    if (width := loaded.manifest.model_schema.text_dim) != WORDS_DIM:
        raise ModelError(
            f"model {loaded.manifest.name!r} reads {width} numbers of a text, this build keeps {WORDS_DIM}: "
            "train it again with this build, or activate another"
        )
    return ModelInService(
        loaded.manifest.name,
        loaded.manifest.model_schema,
        loaded.vocabulary,
        loaded.tower.vectors,
        loaded.users.vectors if loaded.manifest.retrieves else None,
        loaded.rescorer.score,
        sources,
        loaded.parts,
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


def other_encoder(manifest: Manifest, here: TextEncoderRef | None) -> str:
    """What is wrong where a model was trained on the texts of another encoder than this one (None: of none);
    "" where nothing is.
    """
    trained = manifest.text_encoder
    if trained is None or trained == here:
        return ""
    found = "(none)" if here is None else f"{here.id} ({here.sha256[:8]})"
    return (
        f"model {manifest.name!r} was trained on the vectors of text encoder {trained.id} "
        f"({trained.sha256[:8]}), here is {found}: texts mean something else to it; "
        "set model.text_encoder as for its training, in the same registry"
    )


def check_width(encoder: TextEncoder) -> TextEncoder:
    """The encoder itself; `ModelError` where it keeps another width of texts than states and items hold."""
    if encoder.kept != WORDS_DIM:
        raise ModelError(
            f"text encoder {encoder.manifest.name!r} keeps {encoder.kept} numbers of a text, states and "
            f"items hold {WORDS_DIM}: take it out of the registry's folder text/, and train again"
        )
    return encoder


def encoder_of(folder: Path, settings: ModelSettings) -> TextEncoder | None:
    """The text encoder that the model in `folder` was trained with, which lies beside it in its registry.

    None where it was trained without one, or where it is not there.
    """
    trained, registry = read_manifest(folder, Manifest).text_encoder, Registry(folder.resolve().parent)
    if trained is None or not registry.text.has(trained.id):
        return None
    encoder = load_text_encoder(
        registry.text.get(trained.id),
        settings.providers,
        settings.fallback,
        settings.threads,
        settings.text_max_tokens,
    )
    return check_width(encoder) if encoder.manifest.reference == trained else None


def encoder_here(settings: ModelSettings, registry: Registry) -> TextManifest | None:
    """The manifest of the text encoder of the settings, None where it is not registered."""
    name = encoder_name(settings.text_encoder)
    if not registry.text.has(name):
        return None
    return read_manifest(registry.text.get(name), TextManifest)


def texts_by(settings: ModelSettings, registry: Registry) -> str:
    """The identity of the text encoder of the settings; "" where it is not registered."""
    encoder = encoder_here(settings, registry)
    return "" if encoder is None else identity_of(encoder)


def load_encoder(
    settings: ModelSettings, registry: Registry, on_fallback: OnFallback | None = None
) -> WatchedEncoder | None:
    """The text encoder of the settings with its projection, and what reads opinions by it; None, and said,
    where none is registered.

    Raises `ModelError` where others are, or where it keeps another width of texts.
    """
    name = encoder_name(settings.text_encoder)
    if not registry.text.has(name):
        if others := registry.text.names():
            raise ModelError(
                f"no text encoder {name!r} in {registry.text.folder} (there: {', '.join(others)}): set "
                "model.text_encoder to the one that the active model was trained with"
            )
        log.warning(
            "no text encoder %r in %s: texts are left out, and searches go by words alone; %s makes it",
            name,
            registry.text.folder,
            "`headrace encoder`" if settings.text_encoder == UNIVERSAL else "a training",
        )
        return None
    encoder = load_text_encoder(
        registry.text.get(name),
        settings.providers,
        settings.fallback,
        settings.threads,
        settings.text_max_tokens,
        on_fallback=on_fallback,
    )
    return WatchedEncoder(check_width(encoder), opining(encoder, registry))


def load_in_service(
    folder: Path, settings: ModelSettings, sources: Sequence[str], on_fallback: OnFallback | None = None
) -> ModelInService:
    """The model in `folder`, checked, on the providers that the settings name."""
    loaded = load_model(
        folder, settings.providers, settings.fallback, settings.threads, on_fallback=on_fallback
    )
    return in_service(loaded, sources)
