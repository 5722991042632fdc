"""Pairs to tune a text encoder with: from the texts of a user's history to the text of the next item.

Each pair holds only texts from before its event; each batch draws one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import DataError
from model.schema import F32
from model.text_memory import TextMemory


class Event(NamedTuple):
    """One event of a stream, with its review ("" for none)."""

    user: str
    item: str
    review: str = ""


class Pair(NamedTuple):
    """`history`: the numbers of the texts of each recent item, newest first; `target`: of the met item."""

    event: int
    user: str
    item: str
    history: tuple[tuple[int, ...], ...]
    target: tuple[int, ...]


@dataclass(frozen=True)
class Pairs:
    """Pairs in time order, the texts they number, and when (by event) each user first met each item."""

    pairs: Sequence[Pair]
    texts: Sequence[str]
    first_met: Mapping[tuple[str, str], int]


class PairBatch(NamedTuple):
    """B pairs over U texts, numbered in `texts` [U].

    history and target float32 [B, U]: the share of each text, rows sum to 1. allowed bool [B, B]: whether
    pair c's item may be a negative of pair b (True on the diagonal: it is b's own).
    """

    texts: NDArray[np.int64]
    history: F32
    target: F32
    allowed: NDArray[np.bool_]


def make_pairs(events: Sequence[Event], announced: Mapping[str, str], history: int) -> Pairs:
    """A pair for each event whose user has a history in words and whose item already has a text.

    `events` in time order; `announced`: the items' own texts; `history`: how many recent items count.
    """
    memory = TextMemory(announced)
    pairs: list[Pair] = []
    first_met: dict[tuple[str, str], int] = {}
    for k, event in enumerate(events):
        if (event.user, event.item) not in first_met:
            texts = [
                tuple(
                    dict.fromkeys((*([] if met.review is None else [met.review]), *memory.of_item(met.item)))
                )
                for met in memory.history(event.user, history)
            ]
            known, target = tuple(filter(None, texts)), memory.of_item(event.item)
            if known and target:
                pairs.append(Pair(k, event.user, event.item, known, target))
            first_met[event.user, event.item] = k
        memory.learn(*event)
    return Pairs(pairs, memory.texts, first_met)


def split(pairs: Pairs, until: int) -> tuple[Pairs, Pairs]:
    """The pairs of events before `until`, and the later ones; `DataError` if a side is empty."""
    at = sum(pair.event < until for pair in pairs.pairs)
    if not 0 < at < len(pairs.pairs):
        raise DataError(
            f"can't split {len(pairs.pairs)} pairs of texts at event {until}; tuning needs users with a "
            "history and items with texts (or reviews) on both sides: take a longer stretch"
        )
    return (
        Pairs(pairs.pairs[:at], pairs.texts, pairs.first_met),
        Pairs(pairs.pairs[at:], pairs.texts, pairs.first_met),
    )


def draw(pairs: Pairs, chosen: Sequence[int], rng: np.random.Generator) -> PairBatch:
    """A batch of the pairs numbered `chosen`: one text for each history item and one for the target."""
    some = [pairs.pairs[k] for k in chosen]
    history = [[int(rng.choice(texts)) for texts in pair.history] for pair in some]
    target = [int(rng.choice(pair.target)) for pair in some]
    texts = np.unique([*target, *(text for row in history for text in row)])
    place = {int(text): column for column, text in enumerate(texts)}
    shares, targets = np.zeros((2, len(some), len(texts)), np.float32)
    for b, row in enumerate(history):
        for text in row:
            shares[b, place[text]] += 1.0 / len(row)
        targets[b, place[target[b]]] = 1.0
    return PairBatch(texts, shares, targets, _allowed(some, pairs.first_met))


def _allowed(some: Sequence[Pair], first_met: Mapping[tuple[str, str], int]) -> NDArray[np.bool_]:
    """The possible negatives: not the pair's own item again, and no item that its user has met by then."""
    allowed = np.array(
        [
            [b.item != c.item and first_met.get((b.user, c.item), b.event) >= b.event for c in some]
            for b in some
        ],
        np.bool_,
    )
    np.fill_diagonal(allowed, True)
    return allowed
