"""A unigram tokenizer in service: texts to ids, out of one file of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from export.sentencepiece.model_file import SentencePieces
from export.sentencepiece.normaliser import Rules, normalise, read_rules, room_of
from export.sentencepiece.unigram import Table, make_table, segment
from model.errors import ManifestError
from model.surrogates import made_whole

UNKNOWN, BEGIN, END = 0, 1, 2
"""The ids of an unknown character, and of a text's two ends."""


class Pieces:
    """`ids(texts)`: of each text the ids of its pieces between its two ends; `max_tokens` at most."""

    unknown = UNKNOWN
    ends = 2

    def __init__(self, rules: Rules, table: Table) -> None:
        self._rules, self._room = rules, room_of(rules)
        self._table = table
        self.max_tokens = 0

    def cut(self, max_tokens: int) -> None:
        """From now on a text has so many ids at most, both ends counted; what is behind them is left out."""
        self.max_tokens = max_tokens

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Halves of UTF-16 pairs count as unknown; a text without any letter is one unknown character."""
        return [[BEGIN, *self._of(made_whole(text)), END] for text in texts]

    def _of(self, text: str) -> list[int]:
        raw = np.frombuffer(text.encode(), np.uint8)
        whole = normalise(raw, self._rules.units, self._rules.replacements, self._room)
        if not len(whole):
            return [UNKNOWN]
        points = np.frombuffer(whole.tobytes().decode().encode("utf-32-le"), np.uint32)
        table = self._table
        found = segment(points, table.hashes, table.ids, table.scores, table.unknown, table.longest, UNKNOWN)
        if self.max_tokens:
            found = found[: max(self.max_tokens - self.ends, 0)]
        ids: list[int] = found.tolist()
        return ids


def save_pieces(read: SentencePieces, path: Path) -> None:
    """Write the arrays as one .npz."""
    rules, table = read_rules(read.charsmap), make_table(read.pieces)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **rules._asdict(), **table._asdict())


def load_pieces(path: Path) -> Pieces:
    """Raises `ManifestError` where the file is another one."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            rules = Rules(arrays["units"], arrays["replacements"])
            table = Table(
                arrays["hashes"], arrays["ids"], arrays["scores"],
                float(arrays["unknown"]), int(arrays["longest"]),
            )  # fmt: skip
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise ManifestError(
            f"{path} is no table of pieces ({error}); export the text encoder again"
        ) from None
    return Pieces(rules, table)
