"""A registered model teaches a smaller one, which serves in its place at a lower cost.

Needs the extra `train`; this module imports torch only when training begins.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from export.manifest import Manifest
from export.registry import Registry
from model.errors import DataError
from model.examples import KEPT, Shard, divided, load
from model.plan import NetworkPlan, TrainPlan
from model.shards import ShardFiles, shard_folders
from streams.examples.folder import LEARN, WHOLE
from streams.examples.logged_shapes import check_all
from streams.offline.training.dataset_texts import Say
from streams.offline.training.successor import open_parent, register_successor


class Examples(NamedTuple):
    """Examples to learn from, and examples with whole pools to judge with."""

    learn: Sequence[Shard]
    judged: Sequence[Shard]


def examples_in(folder: Path) -> Examples:
    """The examples of `headrace train --keep` in `folder`, or shards of `headrace examples` or of workers."""
    if (folder / KEPT).exists():
        found = Examples(*divided(load(folder / KEPT)))
    else:
        found = Examples(*(ShardFiles(shard_folders(folder / kind)) for kind in (LEARN, WHOLE)))
    if not len(found.learn) or not len(found.judged):
        raise DataError(
            f"{folder}: expected {KEPT}, or shards in {LEARN}/ and {WHOLE}/, to learn from and to judge "
            "with: make them with `headrace train --keep` or `headrace examples`"
        )
    return found


def distil_model(
    registry: Registry, teacher: str, name: str, folder: Path, student: NetworkPlan, plan: TrainPlan, say: Say
) -> Manifest:
    """Teach a network of the form `student` the scores of `teacher` on the examples in `folder`, compare the
    two on the held-out ones, register the student as `name`.

    `Manifest.training` holds the loss of NDCG, with its standard error. Raises `DataError` if there are no
    examples, or they have other features; `ManifestError` if the teacher has no checkpoint; `ParityError`,
    and then registers nothing.
    """
    from model.checkpoint import Checkpoint, load_checkpoint
    from model.distil import distil
    from model.evaluate import ndcg, ndcg_difference
    from model.ranking import ranks_of

    place, manifest = open_parent(registry, teacher, name)
    learn, judged = examples_in(folder)
    for shards in (learn, judged):
        if isinstance(shards, ShardFiles):
            check_all(shards, manifest.model_schema)
    net, tasks, vocabulary = load_checkpoint(place)
    started = time.perf_counter()
    small = distil(
        net, student, learn, [], plan, tasks, vocabulary,
        lambda progress: say("teaching", progress.done, progress.total),
    ).to("cpu")  # fmt: skip
    seconds = time.perf_counter() - started
    net.to("cpu")
    before, after = (ranks_of(each, judged, vocabulary) for each in (net, small))
    facts = {
        "teacher": teacher,
        "examples": sum(len(each) for each in learn),
        "to_ms": int(manifest.training.get("to_ms", manifest.created_ms)),
        "judged": len(after),
        "ndcg10": list(ndcg(after)),
        "teacher_ndcg10": list(ndcg(before)),
        "ndcg10_lost": list(ndcg_difference(before, after)),
        "seconds": round(seconds, 1),
        "network": msgspec.to_builtins(student),
        "plan": msgspec.to_builtins(plan),
        "tasks": msgspec.to_builtins(tasks),
    }
    say("exporting the model", 0, 1)
    made = register_successor(manifest, Checkpoint(small, tasks, vocabulary), judged, registry, name, facts)
    say("exporting the model", 1, 1)
    return made
