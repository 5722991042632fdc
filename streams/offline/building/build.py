"""From a dataset to a folder of examples, with what a training must know of how they were made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from export.manifest import TextEncoderRef
from export.registry import Registry
from model.errors import DataError
from streams.counters.settings import CounterSettings
from streams.datasets.dataset import Dataset
from streams.offline.building.one_process import build_here
from streams.offline.building.work_pieces import work_pieces
from streams.offline.training.dataset_texts import Say, text_encoder, texts_of
from streams.offline.training.fit import prepare
from streams.offline.training.half_lives import adapted
from streams.settings.tree import Settings

MADE = "made.json"
Engine = Literal["local", "ray"]


class Made(msgspec.Struct, frozen=True):
    """How the examples of a folder were made: the counters' settings, which a worker that serves their model
    needs as well, the encoder of the texts, and the knowledge graph's digest ("": none).
    """

    counters: CounterSettings
    text_encoder: TextEncoderRef
    graph: str = ""


class Built(NamedTuple):
    """How many examples in how many seconds, without the reading of texts."""

    examples: int
    seconds: float


def build_examples(
    dataset: Dataset,
    settings: Settings,
    registry: Registry,
    until: int,
    segments: int,
    folder: Path,
    engine: Engine,
    workers: int | None,
    say: Say,
) -> Built:
    """Shards of the first `until` events in `folder`; `workers`: cores of a Ray of our own (None: all)."""
    if not until:
        raise DataError("no event to make examples of; expected at least one: see --warm and the notes")
    settings = adapted(settings, dataset.interactions, until)
    plan = work_pieces(until, segments, settings)
    encoder = text_encoder(registry, texts_of(dataset, until), settings, say)
    run = prepare(dataset, settings, encoder.project, say)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    if engine == "local":
        examples = build_here(run, plan, folder, say)
    else:
        from streams.offline.building.with_ray import build_with_ray

        examples = build_with_ray(run, plan, folder, workers, say)
    ref = encoder.manifest.reference
    graph = "" if dataset.graph is None else dataset.graph.digest()
    (folder / MADE).write_bytes(msgspec.json.encode(Made(settings.counters, ref, graph)))
    return Built(examples, time.perf_counter() - started)


def read_made(folder: Path) -> Made | None:
    """How the examples in `folder` were made; None for those that workers have logged."""
    try:
        return msgspec.json.decode((folder / MADE).read_bytes(), type=Made)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{folder / MADE} can't be read ({error}); build the examples anew") from None
