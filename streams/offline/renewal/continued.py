"""Trains a registered model on logged examples, and compares the new model with its parent.

Needs the extra `train`; this module imports torch only when training begins.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from export.manifest import BETTER, Manifest
from export.registry import Registry
from model.errors import DataError
from model.evaluate import Estimate
from model.examples import Shard
from model.plan import TrainPlan
from model.shards import read_items
from streams.examples.logged_shapes import check_all
from streams.offline.renewal.example_split import ExampleSplit, example_split
from streams.offline.training.dataset_texts import Say
from streams.offline.training.successor import open_parent, register_successor
from streams.settings.models import RenewalSettings
from streams.settings.tree import Settings

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint

WORSE, NO_BETTER = "worse", "no better"


def learned_until(manifest: Manifest) -> int:
    """The time of the youngest event that a model has learned, ms since the epoch."""
    return int(manifest.training.get("to_ms", manifest.created_ms))


def continue_model(
    settings: Settings, registry: Registry, parent: str, name: str, folder: Path, say: Say
) -> Manifest:
    """Fine-tune `parent` on the examples logged since, compare both on the youngest, register as `name`.

    This registers the new model whatever the comparison says: `Manifest.training` holds the verdict, and
    `Registry.newest` passes over a model that is not better. Raises `DataError` if there are too few
    examples, or they have other features; `ManifestError` if the parent has no checkpoint; `ParityError`, and
    then registers nothing.
    """
    from model.checkpoint import load_checkpoint

    place, manifest = open_parent(registry, parent, name)
    chosen = example_split(folder, learned_until(manifest), settings.renewal, settings.seed)
    if chosen.missing:
        raise DataError(chosen.missing)
    before = load_checkpoint(place)
    check_all(chosen.learn, before.net.schema)
    started = time.perf_counter()
    met = (item for path in chosen.learn.paths for item in read_items(path))
    after = fine_tuned(before, chosen.learn, met, plan_of(settings), say)
    facts = {
        "parent": parent,
        "examples": chosen.new,
        "replayed": sum(chosen.learn.lengths) - chosen.new,
        "from_ms": chosen.from_ms,
        "to_ms": chosen.to_ms,
        **compared(before, after, chosen, settings.renewal),
        "seconds": round(time.perf_counter() - started, 1),
        "network": msgspec.to_builtins(after.net.plan),
        "plan": msgspec.to_builtins(plan_of(settings)),
        "tasks": msgspec.to_builtins(after.tasks),
    }
    say("exporting the model", 0, 1)
    made = register_successor(manifest, after, chosen.judged, registry, name, facts)
    say("exporting the model", 1, 1)
    return made


def plan_of(settings: Settings) -> TrainPlan:
    """The training plan with a renewal's learning rate and epochs."""
    renewal = settings.renewal
    return msgspec.structs.replace(
        settings.model.training, learning_rate=renewal.learning_rate, epochs=renewal.epochs
    )


def fine_tuned(
    before: Checkpoint, learn: Sequence[Shard], met: Iterable[str], plan: TrainPlan, say: Say
) -> Checkpoint:
    """The checkpoint after the examples, with rows for the items `met`, and scales for features that had only
    one value before.
    """
    import torch

    from model.checkpoint import Checkpoint
    from model.growing import grown
    from model.train import fit, fit_scales

    net, tasks, vocabulary = grown(before, dict.fromkeys(met))
    torch.manual_seed(plan.seed)
    net.to(plan.device)
    fit_scales(net, learn, only_constant=True)
    fit(
        net, learn, [], plan, tasks, vocabulary,
        lambda progress: say("training", progress.done, progress.total),
    )  # fmt: skip
    return Checkpoint(net.to("cpu").eval(), tasks, vocabulary)


def compared(
    before: Checkpoint, after: Checkpoint, chosen: ExampleSplit, settings: RenewalSettings
) -> dict[str, Any]:
    """NDCG@10 of both on the judged part, their paired difference with its standard error, the verdict."""
    from model.evaluate import ndcg, ndcg_difference
    from model.ranking import ranks_of

    old, new = (ranks_of(each.net, chosen.judged, each.vocabulary) for each in (before, after))
    difference = ndcg_difference(new, old)
    return {
        "judged": len(new),
        "ndcg10": list(ndcg(new)),
        "parent_ndcg10": list(ndcg(old)),
        "ndcg10_difference": list(difference),
        "verdict": verdict(difference, settings.errors),
    }


def verdict(difference: Estimate, errors: float) -> str:
    """Better or worse means more than `errors` standard errors apart: noise does not explain it.

    >>> [verdict(Estimate(apart, 0.01), 2.0) for apart in (0.03, 0.01, -0.03)]
    ['better', 'no better', 'worse']
    """
    if difference.value > errors * difference.error:
        return BETTER
    return WORSE if difference.value < -errors * difference.error else NO_BETTER
