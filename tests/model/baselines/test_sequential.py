"""SASRec and eSASRec: what they see, what they are taught, and that they learn an order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from model.baselines.sequential import (
    NOTHING,
    SequentialKind,
    SequentialNet,
    SequentialSettings,
    SequentialTrainer,
    cut,
    next_item_loss,
)

KINDS: tuple[SequentialKind, ...] = ("sasrec", "ligr")


def small(kind: SequentialKind) -> SequentialSettings:
    return SequentialSettings(
        kind=kind,
        length=6,
        width=16,
        layers=1,
        dropout=0.0,
        negatives=20,
        batch=16,
        learning_rate=1e-2,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_which_item_follows_which(kind: SequentialKind) -> None:
    rng = np.random.default_rng(3)
    successor = rng.permutation(30)
    sequences = []
    for _ in range(80):
        sequence = [int(rng.integers(30))]
        while len(sequence) < 10:
            sequence.append(int(successor[sequence[-1]]))
        sequences.append([item + 1 for item in sequence])
    trainer = SequentialTrainer(small(kind), 30)
    first = trainer.passes(sequences, 1)
    assert trainer.passes(sequences, 25) < 0.5 * first
    histories = np.zeros((30, 6), np.int64)
    histories[:, 0] = np.arange(1, 31)
    scores = trainer.scores(histories)
    assert scores.shape == (30, 31)
    best = scores[:, 1:].argmax(1)
    assert (best == successor).mean() > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_knows_nothing_of_what_came_later_nor_of_what_is_not_there(kind: SequentialKind) -> None:
    torch.manual_seed(0)
    net = SequentialNet(small(kind), 9).eval()
    history = torch.tensor([[3, 4, 5, NOTHING, NOTHING, NOTHING]])
    later = torch.tensor([[8, 4, 5, NOTHING, NOTHING, NOTHING]])
    assert torch.equal(net(history)[:, 1:3], net(later)[:, 1:3])
    assert not torch.equal(net(history)[:, 0], net(later)[:, 0])
    assert not net(history)[:, 3:].any()


def test_every_item_but_the_first_is_a_target_once() -> None:
    sequences = [list(range(1, 24)), [30, 31], [40]]
    for seed in range(20):
        windows = cut(sequences, 5, np.random.default_rng(seed))
        assert windows.shape[1] == 6
        pairs = [
            (older, newer)
            for window in windows
            for newer, older in itertools.pairwise(window)
            if older != NOTHING
        ]
        assert sorted(pairs) == [*((n, n + 1) for n in range(1, 23)), (30, 31)]
    assert cut([[1]], 5, np.random.default_rng(0)).shape == (0, 6)


def test_the_loss_is_that_of_the_formula() -> None:
    torch.manual_seed(1)
    net = SequentialNet(small("sasrec"), 9).eval()
    windows = torch.tensor([[3, 2, 1, NOTHING, NOTHING, NOTHING, NOTHING]])
    drawn = torch.tensor([3, 5, 7])
    found = next_item_loss(net, windows, drawn)
    with torch.no_grad():
        states = net(windows[:, 1:])[0]
        expected = []
        for at, wanted in ((0, 3), (1, 2)):
            among = [wanted, *(n for n in (3, 5, 7) if n != wanted)]
            logits = (net.table.weight[among] @ states[at]).numpy()
            expected.append(np.log(np.exp(logits).sum()) - logits[0])
    assert float(found.detach()) == pytest.approx(np.mean(expected), abs=1e-5)


def test_the_same_seed_trains_to_the_same_scores() -> None:
    sequences = [[1, 2, 3, 4], [2, 3, 1]]
    histories = np.array([[4, 3, 2, 1, 0, 0]])
    both = []
    for _ in range(2):
        trainer = SequentialTrainer(small("ligr"), 5)
        trainer.passes(sequences, 2)
        both.append(trainer.scores(histories))
    assert both[0].tobytes() == both[1].tobytes()
