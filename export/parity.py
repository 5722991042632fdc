"""The gate between a checkpoint and its export: both score the same held-out examples. No torch here.

The reference is the checkpoint in fp32; the exported model is the served file, run as workers run it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import ParityError
from model.schema import F32, RescorerInputs, Scores

Score = Callable[[RescorerInputs], Scores]
TOP = 10


class HeldOut(NamedTuple):
    """Held-out examples: the inputs, the index of the met item [B], which items are real [B, K]."""

    inputs: RescorerInputs
    positive: NDArray[np.int64]
    present: NDArray[np.bool_]


class Parity(msgspec.Struct, frozen=True):
    """How far the exported model is from its checkpoint.

    Click errors are of logits, and as probabilities (after a sigmoid); rating errors in points of 1 to 5.
    `top10_agreement`: the mean overlap of the two top tens. `ndcg10_lost`: checkpoint minus exported, and
    `ndcg10_lost_error` its standard error.
    """

    examples: int
    click_error_max: float
    click_error_mean: float
    probability_error_max: float
    probability_error_mean: float
    rating_error_max: float
    rating_error_mean: float
    top10_agreement: float
    ndcg10: float
    ndcg10_lost: float
    ndcg10_lost_error: float


class ParityLimits(msgspec.Struct, frozen=True):
    """The limits of the gate. Too few examples prove too little, so they fail too.

    A loss of NDCG counts from two standard errors above its limit on: among a few hundred examples, two that
    just leave the top ten are already .003.
    """

    examples: int = 200
    click_error_max: float = 3.0
    click_error_mean: float = 0.1
    probability_error_max: float = 0.5
    probability_error_mean: float = 0.02
    rating_error_max: float = 0.5
    rating_error_mean: float = 0.05
    top10_agreement: float = 0.9
    ndcg10_lost: float = 0.002


AT_LEAST = ("examples", "top10_agreement")


def measure(reference: Score, exported: Score, batches: Sequence[HeldOut]) -> Parity:
    """Run both over `batches`. Scores that are not finite make such errors; no limit passes them."""
    click, probability, rating, agreement, kept, gained = [], [], [], [], [], []
    for batch in batches:
        expected, found = reference(batch.inputs), exported(batch.inputs)
        click.append(np.abs(expected.click - found.click)[batch.present])
        probability.append(np.abs(_sigmoid(expected.click) - _sigmoid(found.click))[batch.present])
        rating.append(np.abs(expected.rating - found.rating)[batch.present])
        agreement.append(_overlap(expected.click, found.click, batch.present))
        kept.append(_ndcg(expected.click, batch))
        gained.append(_ndcg(found.click, batch))
    if not any(len(part) for part in kept):
        raise ParityError("expected held-out examples, got none; pass some that the model has not learned")
    errors = [np.concatenate(parts).astype(np.float64) for parts in (click, probability, rating)]
    before, after = np.concatenate(kept), np.concatenate(gained)
    return Parity(
        examples=len(before),
        click_error_max=float(errors[0].max()),
        click_error_mean=float(errors[0].mean()),
        probability_error_max=float(errors[1].max()),
        probability_error_mean=float(errors[1].mean()),
        rating_error_max=float(errors[2].max()),
        rating_error_mean=float(errors[2].mean()),
        top10_agreement=float(np.concatenate(agreement).mean()),
        ndcg10=float(before.mean()),
        ndcg10_lost=float(before.mean() - after.mean()),
        ndcg10_lost_error=float((before - after).std() / np.sqrt(len(before))),
    )


def check(parity: Parity, limits: ParityLimits = ParityLimits()) -> None:
    """Raise `ParityError` with every number outside its limit.

    >>> exact = Parity(500, 0, 0, 0, 0, 0, 0, 1.0, 0.2, 0.0, 0.0)
    >>> check(exact)
    >>> check(msgspec.structs.replace(exact, top10_agreement=0.5))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    model.errors.ParityError: ...from its checkpoint: top10_agreement 0.5 (at least 0.9)...
    """
    outside = []
    for name in ParityLimits.__struct_fields__:
        value, limit = getattr(parity, name), getattr(limits, name)
        if name == "ndcg10_lost":
            limit += 2 * parity.ndcg10_lost_error
        # The comparison has a form in which a NaN is outside.
        inside = value >= limit if name in AT_LEAST else value <= limit
        if not inside:
            outside.append(f"{name} {value:.4g} ({'at least' if name in AT_LEAST else 'at most'} {limit:g})")
    if outside:
        raise ParityError(
            f"the exported model differs from its checkpoint: {', '.join(outside)}; the gate registers "
            "nothing. Leave more of the model in fp32, or widen the limits if this is what you want"
        )


def _sigmoid(logits: F32) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -60.0, 60.0)))


def _overlap(expected: F32, found: F32, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the reference's top ten that the exported top ten also has, one number a user."""
    shares = np.empty(len(expected))
    for user, real in enumerate(present):
        size = min(TOP, int(real.sum()))
        tops = [
            set(np.argsort(-scores[user][real], kind="stable")[:size].tolist())
            for scores in (expected, found)
        ]
        shares[user] = len(tops[0] & tops[1]) / size if size else 1.0
    return shares


def _ndcg(scores: F32, batch: HeldOut) -> NDArray[np.float64]:
    """NDCG@10 with one relevant item. Ties count against the item, so that constant scores earn nothing."""
    own = np.take_along_axis(scores, batch.positive[:, None], 1)
    rank = ((scores >= own) & batch.present).sum(1)
    finite = np.isfinite(own[:, 0])
    return np.where(finite & (rank <= TOP), 1.0 / np.log2(np.maximum(rank, 1) + 1.0), 0.0)
