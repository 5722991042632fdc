"""Builds the examples of a stream in one pass of one process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.shards import ShardFiles, shard_folders
from streams.examples.folder import LEARN
from streams.offline.building.shards_of import build_piece
from streams.offline.building.work_pieces import Plan, WorkPiece
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import Say
from streams.offline.training.retrieval_scout import scout


def build_here(run: Prequential, plan: Plan, folder: Path, say: Say) -> int:
    """Write shards of all pieces of `plan`, in order, to `folder`; returns the number of examples."""

    def build(pieces: Sequence[WorkPiece]) -> int:
        return sum(
            build_piece(run, piece, folder, lambda done: say("building examples", done, plan.end))
            for piece in pieces
        )

    run.warm(plan.begin, None, 0, lambda done: say("learning", done, plan.begin))
    made = build(plan.early)
    if plan.early:
        run.recommender.serve(scout(run.recommender, ShardFiles(shard_folders(folder / LEARN)), say))
    return made + build(plan.later)
