"""What a replay begins with: a core after the warm part, and a model that was trained on it or is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.projection import fit_projection
from export.registry import Registry
from model.cache_folder import cache_folder
from model.schema import F32
from model.vocabulary import Vocabulary
from streams.datasets.dataset import Dataset
from streams.offline.replay.options import Progress, ReplayOptions
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import spread, text_encoder, texts_of
from streams.offline.training.fit import fit
from streams.offline.training.warming import Collected, prepare, warm
from streams.ranking.draft import Draft
from streams.ranking.model_in_service import ModelInService
from streams.serving.loading import encoder_of, load_in_service
from streams.settings.tree import Settings
from streams.state.event_meaning import Encode

if TYPE_CHECKING:
    from streams.offline.replay.continual import Continual


class Ready(NamedTuple):
    """The core after the warm part; the model to serve, None for counters alone; its fp32 twin, and what
    renews it, where that is asked for; notes for the reader. `encode`: how texts are read.
    """

    run: Prequential
    model: ModelInService | None = None
    fp32: ModelInService | None = None
    continual: Continual | None = None
    notes: tuple[str, ...] = ()
    encode: Encode | None = None


def ready(
    dataset: Dataset, options: ReplayOptions, settings: Settings, until: int, progress: Progress
) -> Ready:
    """Warm on the first `until` events, and train on them where no model is given."""
    encode, said = encode_of(dataset, options, settings, until, progress)
    run = prepare(dataset, settings, encode, progress)
    names = run.recommender.pipeline.names
    if options.model == "none":
        run.warm(until, None, until, lambda done: progress("warming", done, until))
        return Ready(run, notes=("ranked by counters alone: no model was asked for",), encode=encode)
    if options.model is not None:
        run.warm(until, None, until, lambda done: progress("warming", done, until))
        model = load_in_service(Path(options.model), settings.model, names)
        twin = _fp32_twin(Path(options.model), model, names) if options.fp32 else None
        return Ready(run, model, twin, notes=said, encode=encode)
    collected = warm(run, until, settings, progress)
    with TemporaryDirectory(prefix="headrace-replay-") as folder:
        registry = Registry(Path(folder))
        manifest = fit(run, collected, registry, "replay", progress)
        model = load_in_service(registry.get("replay"), settings.model, names)
        fp32 = _fp32_twin(registry.get("replay"), model, names) if options.fp32 else None
        continual = _continual(registry.get("replay"), run, collected, options, settings, progress)
    parity = manifest.parity
    note = (
        f"{manifest.precision} against fp32 on {parity.examples} held-out examples: "
        f"top-10 agreement {parity.top10_agreement:.3f}, NDCG@10 lost {parity.ndcg10_lost:.4f}"
    )
    return Ready(run, model, fp32, continual, (note,), encode)


def encode_of(
    dataset: Dataset, options: ReplayOptions, settings: Settings, until: int, progress: Progress
) -> tuple[Encode | None, tuple[str, ...]]:
    """How texts are read, and what is to be said of it: as the given model's were, else by the encoder of the
    settings with a projection fitted to the warm part, as a first training would.
    """
    texts = texts_of(dataset, until)
    if not texts:
        return None, ()
    said: tuple[str, ...] = ()
    if options.model not in (None, "none"):
        own = encoder_of(Path(options.model), settings.model)
        if own is not None:
            return own.project, (f"texts are read by {own.manifest.name}, as for the model's training",)
        said = ("the model's own text encoder is not beside it: texts mean something else to it here",)
    encoder = text_encoder(Registry(cache_folder() / "models"), texts, settings, progress)
    projection = fit_projection(encoder.encode(spread(texts, 2_000)), 64)

    def encode(some: Sequence[str]) -> F32:
        return projection(encoder.encode(some))

    return encode, said


def _continual(
    folder: Path,
    run: Prequential,
    collected: Collected,
    options: ReplayOptions,
    settings: Settings,
    progress: Progress,
) -> Continual | None:
    """What renews the model of `folder`, where that is asked for."""
    if options.renew_every is None:
        return None
    # Imported here: a replay of an exported model needs no torch.
    from model.checkpoint import load_checkpoint
    from streams.offline.replay.continual import Continual

    return Continual(run, load_checkpoint(folder), collected, settings, options.renew_every, progress)


def _fp32_twin(folder: Path, model: ModelInService, sources: Sequence[str]) -> ModelInService:
    """The same model with its unquantized rescorer."""
    from export.in_parts import InParts, open_rescorer
    from export.manifest import RESCORER_FP32

    rescorer = open_rescorer(folder / RESCORER_FP32, model.schema)
    parts = rescorer if isinstance(rescorer, InParts) else None
    twin = ModelInService(
        "fp32", model.schema, Vocabulary(), model.tower, None, rescorer.score, sources, parts
    )
    twin.numbering = model.numbering
    return twin


def rank_with(twin: ModelInService, run: Prequential, draft: Draft, row: int) -> int:
    """The place of the true item among the candidates as the twin scores them; 0: not among them."""
    served = draft.batch.models[draft.number]
    found = np.flatnonzero(draft.rows[: draft.placed] == row)
    if served is None or not len(found):
        return 0
    twin.vectors, twin.tables, twin.known = served.vectors, served.tables, served.known
    chosen = [draft.number]
    scores = twin.score(draft.batch, chosen, draft.batch.seen_of(chosen)).click[: draft.placed]
    return int((scores > scores[found[0]]).sum()) + 1
