"""The best segmentation of a text into pieces of a unigram model: Viterbi's algorithm (Kudo 2018, arXiv
1804.10959, section 3.2), as sentencepiece has it.

Pieces, and all beginnings of pieces, lie in a hash table with open addressing by a 64-bit hash (FNV-1a over
code points). No two of them have the same hash: `make_table` checks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.sentencepiece.model_file import Piece
from model.compiled import compiled
from model.errors import ModelError

BASIS, PRIME, WORD = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF
UNKNOWN_BELOW = 10.0
"""An unknown character costs so much more than the worst piece."""


class Table(NamedTuple):
    """Slots [2^k]: `hashes` uint64 (0: free), `ids` int32, -1 where a beginning is no piece. `scores` float32
    by id; `unknown`: that of an unknown character. `longest`: code points of the longest piece.
    """

    hashes: NDArray[np.uint64]
    ids: NDArray[np.int32]
    scores: NDArray[np.float32]
    unknown: float
    longest: int


def make_table(pieces: Sequence[Piece]) -> Table:
    """The table of all that texts may hold. Raises `ModelError` where two hashes are the same."""
    owner: dict[int, str] = {}
    known: dict[int, int] = {}
    for number, piece in enumerate(pieces):
        if not piece.found:
            continue
        code = BASIS
        for length, letter in enumerate(piece.text, 1):
            code = ((code ^ ord(letter)) * PRIME) & WORD
            if owner.setdefault(code, piece.text[:length]) != piece.text[:length] or code == 0:
                raise ModelError(f"piece {piece.text!r}: its hash is taken; another hash is needed")
            known.setdefault(code, -1)
        known[code] = number
    slots = 1 << (2 * len(known) - 1).bit_length()
    hashes, ids = np.zeros(slots, np.uint64), np.full(slots, -1, np.int32)
    for code, number in known.items():
        slot = (code ^ (code >> 32)) & (slots - 1)
        while hashes[slot]:
            slot = (slot + 1) & (slots - 1)
        hashes[slot], ids[slot] = code, number
    scores = np.array([piece.score for piece in pieces], np.float32)
    return Table(
        hashes, ids, scores, float(scores.min()) - UNKNOWN_BELOW, max(len(piece.text) for piece in pieces)
    )


@compiled
def segment(
    text: NDArray[np.uint32],
    hashes: NDArray[np.uint64],
    ids: NDArray[np.int32],
    scores: NDArray[np.float32],
    unknown: float,
    longest: int,
    unknown_id: int,
) -> NDArray[np.int64]:
    """Code points -> the ids of the pieces of highest score; among equal ones, that with the earlier start.

    A character with which no piece of length one begins is unknown by itself.
    """
    count, last = len(text), len(hashes) - 1
    best = np.full(count + 1, -1e38)
    best[0] = 0.0
    start, piece = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    for begin in range(count):
        code, alone = np.uint64(BASIS), False
        for end in range(begin + 1, min(begin + longest, count) + 1):
            code = (code ^ np.uint64(text[end - 1])) * np.uint64(PRIME)
            slot = np.int64((code ^ (code >> np.uint64(32))) & np.uint64(last))
            while hashes[slot] != 0 and hashes[slot] != code:
                slot = (slot + 1) & last
            if hashes[slot] == 0:
                break
            number = ids[slot]
            if number < 0:
                continue
            alone = alone or end == begin + 1
            score = best[begin] + np.float64(scores[number])
            if score > best[end]:
                best[end], start[end], piece[end] = score, begin, number
        if not alone and best[begin] + unknown > best[begin + 1]:
            best[begin + 1], start[begin + 1], piece[begin + 1] = best[begin] + unknown, begin, unknown_id
    found = np.empty(count, np.int64)
    at, place = count, count
    while place > 0:
        at -= 1
        found[at] = piece[place]
        place = start[place]
    return found[at:].copy()
