"""Builds the examples of a stream on Ray Data (arXiv 1712.05889): on this machine's cores, or on a cluster.

One pass learns the stream and writes a segment at the beginning of each stretch: a small part of the work.
Each segment then is one task, which makes the drafts and features and writes the shards. A task that is lost
with its machine is run again by Ray, into the same files. On a cluster `folder` is one that all machines see.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model.errors import SettingsError
from streams.building.segment import read_segment, write_segment
from streams.building.shards_of import build_stretch
from streams.building.stretch import Stretch
from streams.dataset_texts import Say
from streams.replay.driver import Prequential

SEGMENTS = ".segments"


def cut(run: Prequential, plan: Sequence[Stretch], folder: Path, say: Say) -> list[Path]:
    """Learn up to the last stretch of `plan`; a segment's file for each."""
    (folder / SEGMENTS).mkdir(parents=True, exist_ok=True)
    paths = []
    for stretch in plan:
        run.warm(stretch.begin, None, 0, lambda done: say("learning", done, plan[-1].begin))
        path = folder / SEGMENTS / f"{stretch.number:06}.msgpack"
        write_segment(run, stretch, path)
        paths.append(path)
    return paths


def build_with_ray(
    run: Prequential, plan: Sequence[Stretch], folder: Path, workers: int | None, say: Say
) -> int:
    """Shards of all stretches of `plan` in `folder`; how many examples. `workers`: cores used, None: all."""
    folder = folder.resolve()
    paths = cut(run, plan, folder, say)
    rows = [{"segment": str(path), "folder": str(folder)} for path in paths]
    made = 0
    with _ray(workers) as data:
        work = data.from_items(rows, override_num_blocks=len(rows)).map(build_segment, num_cpus=1)
        for done, row in enumerate(work.iter_rows(), 1):
            made += row["examples"]
            say("building examples", done, len(rows))
    for path in paths:
        path.unlink()
    (folder / SEGMENTS).rmdir()
    return made


def build_segment(row: dict[str, Any]) -> dict[str, Any]:
    """One task: the segment at row["segment"] into shards in row["folder"]."""
    run, stretch = read_segment(Path(row["segment"]))
    return {"examples": build_stretch(run, stretch, Path(row["folder"]), lambda done: None)}


@contextmanager
def _ray(workers: int | None) -> Iterator[Any]:
    """Ray Data on the cluster that RAY_ADDRESS names, else on a Ray of our own, which ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no word to Ray's makers unless it is asked for
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
    ray.data.DataContext.get_current().enable_progress_bars = False  # ours shows it
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield ray.data
    finally:
        if ours:
            ray.shutdown()
