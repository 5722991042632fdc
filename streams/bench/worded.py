"""Titles and texts for a synthetic catalogue, and searches for what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from streams.bench.workload import zipf
from streams.state.catalog import ItemRecord

WORDS, TITLE, TEXT = 30_000, 6, 20
MAKERS = 500
QUERIES, ASKED = 2_000, 3
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def worded(records: Mapping[str, ItemRecord], seed: int) -> dict[str, ItemRecord]:
    """The records with a title of `TITLE` words, a text of `TEXT` and a maker; words are by Zipf's law."""
    rng = np.random.default_rng(seed)
    words = np.array([_word(rng) for _ in range(WORDS)])
    chance = zipf(WORDS)
    drawn = words[rng.choice(WORDS, (len(records), TITLE + TEXT), p=chance / chance.sum())]
    return {
        item_id: msgspec.structs.replace(
            record,
            title=" ".join(its[:TITLE]),
            description=" ".join(its[TITLE:]),
            attributes={"brand": f"maker {n % MAKERS}"},
        )
        for n, ((item_id, record), its) in enumerate(zip(records.items(), drawn.tolist(), strict=True))
    }


def queries_for(titles: Sequence[str], seed: int) -> list[str]:
    """`QUERIES` searches, each for `ASKED` words of one title; every fourth has a letter wrong."""
    rng = np.random.default_rng(seed)
    found = []
    for n, at in enumerate(rng.integers(len(titles), size=QUERIES).tolist()):
        words = titles[at].split()
        asked = [words[k] for k in sorted(rng.permutation(len(words))[:ASKED].tolist())]
        if n % 4 == 0:
            first, wrong = asked[0], LETTERS[rng.integers(len(LETTERS))]
            asked[0] = first[:2] + wrong + first[3:]
        found.append(" ".join(asked))
    return found


def _word(rng: np.random.Generator) -> str:
    return "".join(LETTERS[k] for k in rng.integers(0, len(LETTERS), rng.integers(4, 11)))
