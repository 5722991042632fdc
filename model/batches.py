"""Examples as tensors, a batch at a time; the items that a batch names stand in one table of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.actions import known_codes
from model.distributed import ALONE, Group
from model.examples import Shard
from model.network import FusionNet
from model.schema import RescorerInputs
from model.vocabulary import Numbering


class Batch(NamedTuple):
    """B examples with m items. history [B, L] and candidates [B, K] are places in the table, m for none.

    The table: id [m], text [m, dim], attributes [m, A], modalities, each [m, its dim]. drawn [M]: places of
    items drawn at random. The others are a shard's columns.
    """

    id: Tensor
    text: Tensor
    attributes: Tensor
    modalities: list[Tensor]
    drawn: Tensor
    history: Tensor
    history_features: Tensor
    history_actions: Tensor
    user_features: Tensor
    profile: Tensor
    words: Tensor
    liked: Tensor
    query: Tensor
    candidates: Tensor
    candidate_features: Tensor
    action: NDArray[np.uint8]
    rating: NDArray[np.float32]

    @property
    def present(self) -> Tensor:
        """Which candidates are there, bool [B, K]."""
        return self.candidates < len(self.id)


class Forward(NamedTuple):
    """inputs: RESCORER_INPUTS in order. candidate_keys [B, K, R], drawn_keys [M, R]."""

    inputs: tuple[Tensor, ...]
    candidate_keys: Tensor
    drawn_keys: Tensor


def batches(
    shards: Sequence[Shard],
    numbering: Numbering,
    size: int,
    device: str = "cpu",
    rng: np.random.Generator | None = None,
    drawn: int = 0,
    begin: int = 0,
    group: Group = ALONE,
) -> Iterator[Batch]:
    """All examples of `shards`, `size` at a time; in a random order where `rng` is given.

    `drawn`: how many items are drawn at random, with replacement, from the shards of each batch. Each batch
    has a generator of its own, so that those from `begin` on do not depend on those before. `group`: of each
    batch only this process's share, which is empty where the last batch has fewer examples than processes.

    Shards may differ in the number of candidates: whole pools are logged as large as the setting says then.
    """
    lengths = [len(each) for each in shards]
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    order = np.arange(total) if rng is None else rng.permutation(total)
    owner = np.searchsorted(ends, order, side="right")
    numbers = [np.array(numbering.of(each.items.tolist()), np.int64) for each in shards]
    draws = [None] * -(-total // size) if rng is None else rng.spawn(-(-total // size))
    for at in range(begin, len(draws)):
        mine = slice(at * size + group.rank, (at + 1) * size, group.world)
        chosen, owners = order[mine], owner[mine]
        met = np.unique(owners) if len(owners) else owner[:1]
        parts = [(k, shards[k].rows(chosen[owners == k] - (ends[k] - lengths[k]))) for k in met]
        width = max(part.candidates.shape[1] for _, part in parts)
        alike = [(k, part.widened(width)) for k, part in parts]
        yield _batch(alike, numbers, device, group.own(draws[at]), drawn)


def _batch(
    parts: Sequence[tuple[int, Shard]],
    numbers: Sequence[NDArray[np.int64]],
    device: str,
    rng: np.random.Generator | None,
    drawn: int,
) -> Batch:
    tables = []
    offset = 0
    for k, part in parts:
        met = np.concatenate([part.history.ravel(), part.candidates.ravel()])
        if drawn and rng is not None:
            met = np.concatenate([met, rng.integers(0, len(part.items), -(-drawn // len(parts)))])
        named, place = np.unique(met, return_inverse=True)
        if len(named) and named[0] < 0:
            named, place = named[1:], place - 1
        tables.append((k, part, named, np.where(place < 0, -1, place + offset)))
        offset += len(named)

    def column(values: Sequence[NDArray[np.generic]]) -> Tensor:
        return torch.from_numpy(np.concatenate(values)).to(device)

    history, candidates, random = [], [], []
    for _, part, _, somewhere in tables:
        place = np.where(somewhere < 0, offset, somewhere)
        cut = part.history.size, part.history.size + part.candidates.size
        history.append(place[: cut[0]].reshape(part.history.shape))
        candidates.append(place[cut[0] : cut[1]].reshape(part.candidates.shape))
        random.append(place[cut[1] :])
    shards = [part for _, part, _, _ in tables]
    return Batch(
        id=column([numbers[k][named] for k, _, named, _ in tables]),
        text=column([part.text[named].astype(np.float32) for _, part, named, _ in tables]),
        attributes=column([part.attributes[named].astype(np.int64) for _, part, named, _ in tables]),
        modalities=[
            column([part.modalities[name][named].astype(np.float32) for _, part, named, _ in tables])
            for name in shards[0].modalities
        ],
        drawn=column(random),
        history=column(history),
        history_features=column([each.history_features for each in shards]),
        history_actions=column(
            [(each.history_actions + np.int64(1)) * (each.history >= 0) for each in shards]
        ),
        user_features=column([each.user_features for each in shards]),
        profile=column([each.profile.astype(np.int64) for each in shards]),
        words=column([each.words for each in shards]),
        liked=column([each.liked for each in shards]),
        query=column([each.query for each in shards]),
        candidates=column(candidates),
        candidate_features=column([each.candidate_features for each in shards]),
        action=np.concatenate([each.action for each in shards]),
        rating=np.concatenate([each.rating for each in shards]),
    )


def forward(net: FusionNet, batch: Batch) -> Forward:
    """The item tower over the batch's table, and what the user's and the candidates' parts read of it."""
    vectors, keys = net.item_tower(batch.id, batch.text, batch.attributes, *batch.modalities)
    vectors = torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])])
    keys = torch.cat([keys, keys.new_zeros(1, keys.shape[1])])
    mask = (batch.history < len(batch.id)).to(vectors.dtype)
    known = np.concatenate([[0], known_codes(net.schema.actions) + 1])
    actions = torch.from_numpy(known).to(mask.device)[batch.history_actions]
    inputs = (
        vectors[batch.history], batch.history_features, actions, mask, batch.user_features,
        batch.profile, batch.words, batch.liked, batch.query, vectors[batch.candidates],
        batch.candidate_features,
    )  # fmt: skip
    return Forward(inputs, keys[batch.candidates], keys[batch.drawn])


def rescorer_inputs(net: FusionNet, batch: Batch) -> RescorerInputs:
    """The same inputs as arrays, for the exported model."""
    with torch.no_grad():
        return RescorerInputs(*(each.cpu().numpy() for each in forward(net, batch).inputs))
