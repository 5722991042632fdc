"""Builds the examples of a stream on Ray Data (arXiv 1712.05889): on this machine's cores, or on a cluster.

One pass learns the stream and writes a segment at the beginning of each piece: a small part of the work. Each
segment is then one task, which makes the drafts and features and writes the shards. If a scout retrieves for
the later pieces, this process first builds the earlier ones and trains the scout on them. If a machine is
lost, Ray runs its tasks again, into the same files. On a cluster all machines must see `folder`.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model.errors import SettingsError
from model.shards import ShardFiles, shard_folders
from streams.examples.folder import LEARN
from streams.offline.building.segment import read_segment, write_segment
from streams.offline.building.shards_of import build_piece
from streams.offline.building.work_pieces import Plan, WorkPiece
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import Say
from streams.offline.training.retrieval_scout import load_scout, write_scout
from streams.state.knowledge_graph import Graph

SEGMENTS, SCOUT = ".segments", "scout"


def build_with_ray(run: Prequential, plan: Plan, folder: Path, workers: int | None, say: Say) -> int:
    """Write shards of all pieces of `plan` to `folder`; returns the number of examples. `workers`: how many
    cores to use, None: all.
    """
    folder = folder.resolve()
    segments, scouting = folder / SEGMENTS, folder / SEGMENTS / SCOUT
    entities = run.recommender.pipeline.workspace.entities
    graph = None if entities is None else entities.graph
    done, made = 0, 0

    def build(data: Any, pieces: Sequence[WorkPiece], scout: str) -> None:
        nonlocal done, made
        rows = [
            {"segment": str(path), "folder": str(folder), "scout": scout}
            for path in cut(run, pieces, segments, say)
        ]
        work = data.from_items(rows, override_num_blocks=len(rows))
        for row in work.map(build_segment, fn_kwargs={"graph": graph}, num_cpus=1).iter_rows():
            done, made = done + 1, made + row["examples"]
            say("building examples", done, len(plan.early) + len(plan.later))

    segments.mkdir(parents=True, exist_ok=True)
    with _ray(workers) as data:
        if plan.early:
            build(data, plan.early, "")
            run.warm(plan.early[-1].end, None, 0, lambda done: say("learning", done, plan.end))
            write_scout(run.recommender, ShardFiles(shard_folders(folder / LEARN)), scouting, say)
        build(data, plan.later, str(scouting) if plan.early else "")
    shutil.rmtree(segments)
    return made


def cut(run: Prequential, pieces: Sequence[WorkPiece], folder: Path, say: Say) -> list[Path]:
    """Learn up to the last of the pieces, and write a segment's file for each."""
    paths = []
    for piece in pieces:
        run.warm(piece.begin, None, 0, lambda done: say("learning", done, pieces[-1].begin))
        paths.append(folder / f"{piece.number:06}.msgpack")
        write_segment(run, piece, paths[-1])
    return paths


def build_segment(row: dict[str, Any], graph: Graph | None) -> dict[str, Any]:
    """One task: build the segment at row["segment"] into shards in row["folder"]; the scout in folder
    row["scout"] ("": none yet) retrieves for them.
    """
    run, piece = read_segment(Path(row["segment"]), graph)
    if row["scout"]:
        run.recommender.serve(load_scout(Path(row["scout"]), run.recommender.pipeline.names))
    return {"examples": build_piece(run, piece, Path(row["folder"]), lambda done: None)}


@contextmanager
def _ray(workers: int | None) -> Iterator[Any]:
    """Ray Data on the cluster that RAY_ADDRESS names, else on our own Ray, which ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports to its makers only if asked
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SettingsError(
            f"the engine ray needs the extra `scale` ({error}): pip install headrace[scale]"
        ) from None
    ours = not ray.is_initialized()
    if ours:
        ray.init(
            num_cpus=None if "RAY_ADDRESS" in os.environ else workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    ray.data.DataContext.get_current().enable_progress_bars = False  # our own bar shows the progress
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield ray.data
    finally:
        if ours:
            ray.shutdown()
