"""A net that ranks a shown list: each place by its own features, all places by one softmax.

Shapes: B lists, K places of the longest, F features of a place.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.plan import ListPlan
from model.standardise import Standardise

ABSENT = -1e4  # the logit of a place that a list does not have


class ListNet(nn.Module):
    """features [B, K, F], present bool [B, K] -> logits [B, K], `ABSENT` where there is no place.

    A linear part beside two hidden layers: what an expert of online reweighting could learn is easy to learn
    here, too, and the layers add what depends on the user's session. What is the same in all places of a list
    moves no order by itself, only with what differs.
    """

    def __init__(self, plan: ListPlan, features: int) -> None:
        super().__init__()
        first, second = plan.hidden
        self.scale = Standardise(features)
        self.skip = nn.Linear(features, 1, bias=False)
        self.body = nn.Sequential(
            nn.Linear(features, first),
            nn.ReLU(),
            nn.Dropout(plan.dropout),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Dropout(plan.dropout),
            nn.Linear(second, 1, bias=False),
        )
        nn.init.zeros_(self.skip.weight)

    def forward(self, features: Tensor, present: Tensor) -> Tensor:
        x = self.scale(features)
        logits: Tensor = (self.skip(x) + self.body(x)).squeeze(-1)
        return logits.masked_fill(~present, ABSENT)


def padded(lists: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Lists [n, F] of several lengths as features [B, K, F], and which places they have, bool [B, K]."""
    features = nn.utils.rnn.pad_sequence(lists, batch_first=True)
    lengths = torch.tensor([len(each) for each in lists])
    return features, torch.arange(features.shape[1]) < lengths[:, None]
