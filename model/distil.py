"""Distillation: a smaller network learns the scores of a trained one.

The teacher tells how likely every candidate is; the events only tell which one the user met (Hinton et al.,
arXiv 1503.02531; for ranking: Tang and Wang, arXiv 1809.07428). The student learns clicks from the teacher
alone, and its other tasks from the events too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import torch
from torch import Tensor
from torch.nn import functional

from model.batches import Batch, forward
from model.examples import Shard
from model.network import FusionNet
from model.plan import NetworkPlan, TrainPlan
from model.tasks import Task
from model.train import Report, check_examples, fit, silent
from model.vocabulary import Vocabulary

WEIGHT = 1.0
"""The weight of the teacher's term, beside the loss of the other tasks."""
RATING, CLICK = "rating", "click"


def distil(
    teacher: FusionNet,
    student: NetworkPlan,
    shards: Sequence[Shard],
    held_out: Sequence[Shard],
    plan: TrainPlan,
    tasks: Mapping[str, Task],
    vocabulary: Vocabulary,
    report: Report = silent,
    weight: float = WEIGHT,
) -> FusionNet:
    """A network of the form `student`; weights of the same form begin as copies of the teacher's."""
    check_examples(shards)
    torch.manual_seed(plan.seed)
    net = FusionNet(student, teacher.schema, vocabulary.size).to(plan.device)
    own, known = net.state_dict(), teacher.state_dict()
    net.load_state_dict(
        own
        | {
            name: known[name]
            for name, each in own.items()
            if name in known and known[name].shape == each.shape
        }
    )
    teacher = teacher.to(plan.device).eval()
    others = {**tasks, CLICK: msgspec.structs.replace(tasks[CLICK], weight=0.0)}

    def taught(scores: Tensor, batch: Batch) -> Tensor:
        with torch.no_grad():
            target = torch.stack(teacher.scoring()(*forward(teacher, batch).inputs), -1)
        return weight * distillation_loss(scores, target, batch.present, teacher.schema.tasks)

    return fit(net, shards, held_out, plan, others, vocabulary, report, more={"teacher": taught})


def distillation_loss(scores: Tensor, target: Tensor, present: Tensor, tasks: Sequence[str]) -> Tensor:
    """Kullback-Leibler divergence of the click shares, and the squared error of the ratings.

    scores, target [B, K, tasks], present bool [B, K]; means over examples, and over present candidates.
    """
    click, rating = tasks.index(CLICK), tasks.index(RATING)
    wanted, found = (
        each[..., click].masked_fill(~present, -1e4).log_softmax(-1) for each in (target, scores)
    )
    apart = functional.kl_div(found, wanted, reduction="batchmean", log_target=True)
    squared = (scores[..., rating] - target[..., rating])[present] ** 2
    return apart + squared.mean()
