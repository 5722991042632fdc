"""Phrases of the encoder's own words: a projection is fitted to them beside a catalogue's texts, and where it
has none yet. They mean nothing, and differ in all that the encoder tells apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from export.sentencepiece.model_file import read_model_file
from export.universal.files import MODEL_FILE
from model.universal import universal_folder

WORDS, SHORTEST = 8, 4
BEGINS = "\u2581"
"""Before a piece that begins a word."""
SEED = 1


def phrases(count: int) -> list[str]:
    """The same `count` phrases each time, of words in Latin letters, whatever language they are of."""
    words = _words([piece.text for piece in read_model_file(universal_folder() / MODEL_FILE).pieces])
    drawn = np.random.default_rng(SEED).choice(len(words), (count, WORDS))
    return [" ".join(words[place] for place in row) for row in drawn]


def _words(pieces: Sequence[str]) -> list[str]:
    """
    >>> _words(["\u2581guitar", "ing", "\u2581the", "\u25811865", "\u2581gesungen"])
    ['guitar', 'gesungen']
    """
    begun = (piece.removeprefix(BEGINS) for piece in pieces if piece.startswith(BEGINS))
    return [word for word in begun if len(word) >= SHORTEST and word.isascii() and word.isalpha()]
