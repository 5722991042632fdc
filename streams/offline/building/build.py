"""From a dataset to a folder of examples, with the facts about their making that a training needs."""

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
from streams.offline.training.half_lives import adapted
from streams.offline.training.warming import prepare
from streams.settings.tree import Settings

MADE = "made.json"
Engine = Literal["local", "ray"]


class BuildRecord(msgspec.Struct, frozen=True):
    """How a build made the examples of a folder: the counters' settings, which a worker that serves their
    model needs too, the encoder of the texts, and the knowledge graph's digest ("": none).
    """

    counters: CounterSettings
    text_encoder: TextEncoderRef
    graph: str = ""


class Built(NamedTuple):
    """How many examples in how many seconds, without the time to read texts."""

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
    """Write shards of the first `until` events to `folder`; `workers`: cores of our own Ray (None: all)."""
    if not until:
        raise DataError("expected at least one event to make examples of, got none: see --warm and the notes")
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
    (folder / MADE).write_bytes(msgspec.json.encode(BuildRecord(settings.counters, ref, graph)))
    return Built(examples, time.perf_counter() - started)


def read_made(folder: Path) -> BuildRecord | None:
    """How a build made the examples in `folder`; None for examples that workers have logged."""
    try:
        return msgspec.json.decode((folder / MADE).read_bytes(), type=BuildRecord)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"can't read {folder / MADE} ({error}); build the examples anew") from None
