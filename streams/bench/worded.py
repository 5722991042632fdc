"""Titles and texts for a synthetic catalogue, and searches for what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from export.sentencepiece.model_file import read_model_file
from model.universal import universal_folder
from streams.bench.workload import zipf
from streams.state.catalog import ItemRecord

WORDS, TITLE, TEXT = 30_000, 6, 20
MAKERS = 500
QUERIES, ASKED = 2_000, 3
LETTERS = "abcdefghijklmnopqrstuvwxyz"
BEGINS_A_WORD = "\u2581"
"""Of the encoder's pieces."""

Spelt = Literal["random", "known"]
"""How words are spelt: by letters drawn at random, which the text encoder cuts into many pieces (15.7 of a
query, both ends counted); or as those that are one piece each, as most words of a real text are (5 of a
query without a slip).
"""


def worded(records: Mapping[str, ItemRecord], seed: int, spelt: Spelt = "random") -> dict[str, ItemRecord]:
    """The records with a title of `TITLE` words, a text of `TEXT` and a maker; words are by Zipf's law.
    Raises `ModelError` for known words where the universal encoder is not installed.
    """
    rng = np.random.default_rng(seed)
    words = np.array([_word(rng) for _ in range(WORDS)] if spelt == "random" else rng.permutation(known()))
    chance = zipf(len(words))
    drawn = words[rng.choice(len(words), (len(records), TITLE + TEXT), p=chance / chance.sum())]
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


def known() -> list[str]:
    """The words of small Latin letters that are one piece of the universal encoder each: 29,767, of all its
    languages that are written so.
    """
    from export.universal.files import MODEL_FILE  # not before: it loads onnx, which other words don't need

    pieces = read_model_file(universal_folder() / MODEL_FILE).pieces
    words = [each.text.removeprefix(BEGINS_A_WORD) for each in pieces if each.text.startswith(BEGINS_A_WORD)]
    return [word for word in words if len(word) > 2 and set(word) <= set(LETTERS)]


def _word(rng: np.random.Generator) -> str:
    return "".join(LETTERS[k] for k in rng.integers(0, len(LETTERS), rng.integers(4, 11)))
