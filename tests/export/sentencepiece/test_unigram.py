"""The best segmentation, against all segmentations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.sentencepiece import unigram
from export.sentencepiece.model_file import Piece
from export.sentencepiece.unigram import make_table, segment
from model.errors import ModelError

UNKNOWN = 0


def found(text: str, pieces: list[Piece]) -> list[int]:
    table = make_table(pieces)
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    ids = segment(points, table.hashes, table.ids, table.scores, table.unknown, table.longest, UNKNOWN)
    return [int(each) for each in ids]


def every(text: str, ids: dict[str, int]) -> Iterator[list[int]]:
    """Every segmentation; a character that is no piece is unknown."""
    if not text:
        yield []
    for length in range(1, len(text) + 1):
        number = ids.get(text[:length], UNKNOWN if length == 1 else None)
        if number is not None:
            for rest in every(text[length:], ids):
                yield [number, *rest]


# Scores whose sums float64 holds exactly: then no order of adding counts.
SCORES = st.integers(-400, 0).map(lambda n: n / 8)


@given(
    st.dictionaries(st.text("abé", min_size=1, max_size=4), SCORES, min_size=1, max_size=12),
    st.text("abéx", max_size=9),
)
def test_no_segmentation_has_a_higher_score(scores: dict[str, float], text: str) -> None:
    pieces = [Piece("<unk>", 0.0, False), *(Piece(each, score, True) for each, score in scores.items())]
    ids = {piece.text: number for number, piece in enumerate(pieces) if piece.found}
    unknown = min(piece.score for piece in pieces) - unigram.UNKNOWN_BELOW

    def total(segmentation: list[int]) -> float:
        return sum(unknown if each == UNKNOWN else pieces[each].score for each in segmentation)

    chosen = found(text, pieces)
    assert chosen in list(every(text, ids))
    assert total(chosen) == max(map(total, every(text, ids)))


def test_control_pieces_are_not_found_in_texts() -> None:
    pieces = [Piece("<unk>", 0.0, False), Piece("s", -3.0, True), Piece("ss", -1.0, False)]
    assert found("ss", pieces) == [1, 1]


def test_pieces_whose_hashes_meet_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unigram, "PRIME", 0)
    with pytest.raises(ModelError, match="its hash is taken"):
        make_table([Piece("a", 0.0, True), Piece("b", 0.0, True)])
