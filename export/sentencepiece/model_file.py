"""Reads what a unigram tokenizer needs out of sentencepiece's own file, `sp.model`: a protocol buffer.

Only the few fields of sentencepiece_model.proto that are named here are read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from model.errors import ModelError

PIECES, NORMALIZER = 1, 3
PIECE, SCORE, KIND = 1, 2, 3
CHARSMAP = 2
NORMAL, USER_DEFINED = 1, 4
"""The kinds of pieces that are found in texts; the others stand for what is unknown, and for ends."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


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
        for field, value in _fields(data):
            if field == PIECES and isinstance(value, bytes):
                pieces.append(_piece(value))
            elif field == NORMALIZER and isinstance(value, bytes):
                charsmap = next((v for f, v in _fields(value) if f == CHARSMAP and isinstance(v, bytes)), b"")
    except (OSError, IndexError, ValueError, struct.error) as error:
        raise ModelError(f"{path} is no sentencepiece model ({error}); install its package again") from None
    if not pieces or not charsmap:
        raise ModelError(
            f"{path} holds {len(pieces)} pieces and {len(charsmap)} bytes of rules, expected some of both; "
            "install its package again"
        )
    return SentencePieces(pieces, charsmap)


def _piece(data: bytes) -> Piece:
    said = dict(_fields(data))
    text, score = said[PIECE], said.get(SCORE, b"\0\0\0\0")
    if not isinstance(text, bytes) or not isinstance(score, bytes):
        raise ValueError("a piece without a text")
    return Piece(
        text.decode(), struct.unpack("<f", score)[0], said.get(KIND, NORMAL) in (NORMAL, USER_DEFINED)
    )


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a message, in order."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield field, value
            continue
        if wire == BYTES:
            size, at = _varint(data, at)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"a field of wire type {wire}")
        if at + size > len(data):
            raise ValueError("it ends within a field")
        yield field, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where the next thing begins."""
    found = shift = 0
    while True:
        byte = data[at]
        found |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return found, at
