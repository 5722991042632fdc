"""Reads what a unigram tokenizer needs out of sentencepiece's own file, `sp.model`: a protocol buffer.

Only the few fields of sentencepiece_model.proto that are named here are read.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

from export.protobuf import fields
from model.errors import ModelError

PIECES, NORMALIZER = 1, 3
PIECE, SCORE, KIND = 1, 2, 3
CHARSMAP = 2
NORMAL, USER_DEFINED = 1, 4
"""The kinds of pieces that are found in texts; the others stand for what is unknown, and for ends."""


class Piece(NamedTuple):
    """`found`: whether texts hold it. Its id is its place among all."""

    text: str
    score: float
    found: bool


class SentencePieces(NamedTuple):
    """`charsmap`: the rules of the normaliser, as sentencepiece compiled them."""

    pieces: list[Piece]
    charsmap: bytes


def read_model_file(path: Path) -> SentencePieces:
    """The pieces in the order of their ids, and the normaliser's rules. Raises `ModelError`."""
    try:
        data = path.read_bytes()
        pieces, charsmap = [], b""
        for field, value in fields(data):
            if field == PIECES and isinstance(value, bytes):
                pieces.append(_piece(value))
            elif field == NORMALIZER and isinstance(value, bytes):
                charsmap = next((v for f, v in fields(value) if f == CHARSMAP and isinstance(v, bytes)), b"")
    except (OSError, IndexError, ValueError, struct.error) as error:
        raise ModelError(f"{path} is no sentencepiece model ({error}); install its package again") from None
    if not pieces or not charsmap:
        raise ModelError(
            f"{path} holds {len(pieces)} pieces and {len(charsmap)} bytes of rules, expected some of both; "
            "install its package again"
        )
    return SentencePieces(pieces, charsmap)


def _piece(data: bytes) -> Piece:
    said = dict(fields(data))
    text, score = said[PIECE], said.get(SCORE, b"\0\0\0\0")
    if not isinstance(text, bytes) or not isinstance(score, bytes):
        raise ValueError("a piece without a text")
    return Piece(
        text.decode(), struct.unpack("<f", score)[0], said.get(KIND, NORMAL) in (NORMAL, USER_DEFINED)
    )
