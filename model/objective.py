"""The loss of a batch: the tasks, weighted, the user tower's retrieval, and the terms for other aims."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from model.batches import Batch, forward
from model.feature_names import EVENTS
from model.losses import TASK_LOSSES, diversity_loss, fairness_loss, first_loss, retrieval_loss
from model.network import FusionNet
from model.plan import TrainPlan
from model.tasks import Task, disliked, labels, ordered

Term = Callable[[Tensor, Batch], Tensor]
"""scores [B, K, tasks] of a batch -> what they add to the loss."""


class Objective(nn.Module):
    """`Objective(tasks, plan)(net, batch)` -> the loss, and its terms by name.

    With `plan.weighting` "uncertainty" each task's loss is divided by a learned variance, whose logarithm is
    added (Kendall et al., arXiv 1705.07115); the tasks' own weights then scale those terms. `more`: further
    terms by name.
    """

    def __init__(self, tasks: Mapping[str, Task], plan: TrainPlan, more: Mapping[str, Term] = {}) -> None:
        super().__init__()
        self.tasks, self.plan, self.more = ordered(tasks), plan, more
        self.log_variance = nn.Parameter(
            torch.zeros(len(self.tasks)), requires_grad=plan.weighting == "uncertainty"
        )

    def forward(self, net: FusionNet, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        plan = self.plan
        inputs, candidate_keys, drawn_keys = forward(net, batch)
        *user_inputs, vectors, features = inputs
        seen = net.view(*user_inputs)
        scores = net.rescorer(seen, vectors, features)
        absent = ~batch.present
        terms: dict[str, Tensor] = {}
        total = scores.new_zeros(())
        for at, (name, task) in enumerate(self.tasks.items()):
            told = labels(task, batch.action, batch.rating)
            said = torch.from_numpy(told).to(scores.device)
            logits = scores[..., at]
            if task.loss == "softmax":
                logits = logits.masked_fill(absent, -1e4)
            terms[name] = TASK_LOSSES[task.loss](logits, said)
            if np.isnan(told).all():  # nothing is learned of it here, least of all that it is certain
                continue
            if plan.weighting == "uncertainty":
                spread = self.log_variance[at]
                total = total + task.weight * ((-spread).exp() * terms[name] + spread)
            else:
                total = total + task.weight * terms[name]
        # What finds candidates is taught by what was liked, or at least not disliked.
        bad = disliked(self.tasks["click"], batch.action, batch.rating)
        good = torch.from_numpy(np.where(bad, np.float32(np.nan), np.float32(1))).to(scores.device)
        if plan.retrieval > 0:
            user = net.user_tower(seen)
            terms["retrieval"] = retrieval_loss(
                user, candidate_keys[:, 0], candidate_keys[:, 1:], drawn_keys, good
            )
            total = total + plan.retrieval * terms["retrieval"]
        if plan.unmet > 0 and net.rescorer.unmet is not None:
            new = net.rescorer.unmet(net.rescorer.candidate_scale(features)).masked_fill(absent, -1e4)
            terms["unmet"] = first_loss(new, good)
            total = total + plan.unmet * terms["unmet"]
        click = scores[..., 0].masked_fill(absent, -1e4)
        if plan.diversity > 0:
            text = torch.cat([batch.text, batch.text.new_zeros(1, batch.text.shape[1])])[batch.candidates]
            terms["diversity"] = diversity_loss(click, text)
            total = total + plan.diversity * terms["diversity"]
        if plan.fairness > 0:
            popularity = net.rescorer.candidate_scale(features)[
                ..., net.schema.candidate_features.index(EVENTS)
            ]
            present = batch.present.to(scores.dtype)
            terms["fairness"] = fairness_loss(click, (popularity < 0).to(scores.dtype) * present, present)
            total = total + plan.fairness * terms["fairness"]
        for name, term in self.more.items():
            terms[name] = term(scores, batch)
            total = total + terms[name]
        return total, {name: float(term.detach()) for name, term in terms.items()}
