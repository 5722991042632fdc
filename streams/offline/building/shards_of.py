"""Makes the examples of one piece and writes them as shards, one shard in memory at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from model.examples import shard
from model.shard_writing import write_shard
from model.shards import shard_folders
from streams.examples.collector import SHARD_SIZE, ExampleCollector
from streams.examples.folder import WHOLE, shard_name
from streams.offline.building.work_pieces import WorkPiece
from streams.offline.stream_driver import Prequential
from streams.ranking.model_inputs import feature_names

SHARD_WHOLE = 500
"""Whole pools are wider: 121 candidates by default, where an example to learn from has 49."""


def build_piece(run: Prequential, piece: WorkPiece, folder: Path, say: Callable[[int], None]) -> int:
    """Make each event of `piece`, where `run` stands, an example, then learn it; returns their number.

    This replaces the shards that an earlier try left: their names depend only on the piece.
    """
    whole, writer = piece.kind == WHOLE, f"s{piece.number}"
    place = folder / piece.kind
    for left in shard_folders(place):
        if left.name.split("-")[2:3] == [writer]:
            shutil.rmtree(left)
    core = run.recommender
    collector = ExampleCollector(core, core.settings.seed, whole, shard_size=None)
    features = feature_names(core.pipeline.names)
    made, shards = 0, 0

    def close() -> None:
        nonlocal made, shards
        examples = shard(*collector.release())
        name = shard_name(int(examples.ts_ms[0]), int(examples.ts_ms[-1]), writer, shards)
        write_shard(examples, place, name, features)
        made, shards = made + len(examples), shards + 1

    def note(done: int) -> None:
        if len(collector) >= (SHARD_WHOLE if whole else SHARD_SIZE):
            close()
        say(run.first + done)

    run.warm(piece.end - run.first, collector, 0, note)
    if len(collector):
        close()
    return made
