"""What a review's text says: how far it praises, and of which topics it speaks how.

Numbers are rounded to 1/127, so that every process that is told of a review counts the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from model.errors import StoreError

MOST_CLAUSES = 8
"""Of a review that are read one by one: its first ones."""
LONGEST_CLAUSE = 200
SHORTEST_WORDS, SHORTEST_LETTERS = 3, 4
STEPS = 127
"""Parts of a sentiment of 1."""
TOPICS_MOST = 32

_ends = re.compile(
    r"(?<=[.!?;…])\s+|[。！？；，\n]+|,?\s+(?:but|however|although|though|aber|pero|mais|ma|mas|но)\s+|(?=但是|不过|可是)",
    re.IGNORECASE,
)
_blank = re.compile(r"\s+")
_letter_words = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e01-\u0e4e]")


class Opinion(NamedTuple):
    """`sentiment`: of the whole text, from -1 to 1. `aspects`: topic and sentiment of each clause that speaks
    of a topic. `by`: stands for what its topics mean (`OpinionManifest.identity`).
    """

    sentiment: float
    aspects: tuple[tuple[int, float], ...] = ()
    by: str = ""


Opinions = Mapping[str, Opinion]
"""By the text of a review."""
NO_OPINIONS: Opinions = {}


def clauses_of(text: str) -> list[str]:
    """The first clauses of a text that say something.

    >>> clauses_of("Great tone, but the tuners slip. Ok. 音色很好，但是弦钮太松。")
    ['Great tone', 'the tuners slip.', '音色很好', '但是弦钮太松']
    """
    found = []
    # One by one, blanks cost nothing; from each of a long run of them on, `_ends` would look to its end.
    for part in _ends.split(_blank.sub(lambda run: "\n" if "\n" in run[0] else " ", text)):
        clause = part.strip()[:LONGEST_CLAUSE]
        words, letters = len(clause.split()), len(_letter_words.findall(clause))
        if words >= SHORTEST_WORDS or letters >= SHORTEST_LETTERS or (words == 2 and len(clause) >= 8):
            found.append(clause)
        if len(found) == MOST_CLAUSES:
            break
    return found


def packed(opinion: Opinion) -> bytes:
    """An opinion as it is told to other processes: the sentiment, then topic and sentiment of each clause."""
    told = [_step(opinion.sentiment)]
    for topic, sentiment in opinion.aspects:
        told += [topic, _step(sentiment)]
    return np.array(told, np.int8).tobytes()


def unpacked(raw: bytes, by: str = "") -> Opinion:
    """The opinion of `packed`, rounded; `StoreError` for other bytes."""
    told = np.frombuffer(raw, np.int8).tolist()
    topics = told[1::2]
    if len(told) % 2 != 1 or any(not 0 <= topic < TOPICS_MOST for topic in topics):
        raise StoreError(f"an opinion of {len(raw)} bytes can't be read")
    return Opinion(
        told[0] / STEPS,
        tuple((topic, step / STEPS) for topic, step in zip(topics, told[2::2], strict=True)),
        by,
    )


def rounded_opinion(opinion: Opinion) -> Opinion:
    """As every process has it."""
    return unpacked(packed(opinion), opinion.by)


def _step(sentiment: float) -> int:
    return round(max(-1.0, min(1.0, sentiment)) * STEPS)
