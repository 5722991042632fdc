"""A segment goes on exactly as the run that it was cut from."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from model.errors import DataError
from model.examples import Shard
from streams.examples.collector import ExampleCollector
from streams.examples.folder import LEARN
from streams.offline.building.segment import read_segment, write_segment
from streams.offline.building.work_pieces import WorkPiece
from streams.offline.stream_driver import Prequential
from tests.streams.offline.building.small_stream import run_of

BEGIN, END = 400, 620


def examples_of(run: Prequential, until: int) -> Shard:
    collector = ExampleCollector(run.recommender, seed=3)
    run.warm(until, collector, 0, lambda done: None)
    (shard,) = collector.shards()
    return shard


NUMBERS = ("rating", "value", "propensity")


def equal(one: Shard, other: Shard) -> bool:
    return one.modalities == other.modalities and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name), equal_nan=field.name in NUMBERS)
        for field in fields(Shard)
        if field.name != "modalities"
    )


def test_its_examples_are_those_of_the_run(tmp_path: Path) -> None:
    run = run_of()
    run.warm(BEGIN, None, 0, lambda done: None)
    piece = WorkPiece(4, LEARN, BEGIN, END)
    write_segment(run, piece, tmp_path / "segment")
    restored, said = read_segment(tmp_path / "segment")
    assert said == piece
    straight, apart = examples_of(run, END), examples_of(restored, END - BEGIN)
    assert len(straight) > 100
    assert np.abs(straight.words).sum() > 0
    assert np.abs(straight.query).sum() > 0
    assert (straight.profile > 0).any()
    assert straight.shown.any()
    assert equal(straight, apart)
    # Everything later, too: the fold went on alike.
    for user in restored.states:
        assert restored.states[user].recent == run.states[user].recent
        assert restored.states[user].offsets == run.states[user].offsets


def test_a_core_without_its_past_makes_others(tmp_path: Path) -> None:
    """That the comparison above can fail."""
    run = run_of()
    run.warm(BEGIN, None, 0, lambda done: None)
    write_segment(run, WorkPiece(0, LEARN, BEGIN, END), tmp_path / "segment")
    restored, _ = read_segment(tmp_path / "segment")
    restored.recommender.counters.popularity.rating_count[:] += 1
    assert not equal(examples_of(run, END), examples_of(restored, END - BEGIN))


def test_slates_that_were_shown_come_along(tmp_path: Path) -> None:
    run = run_of()
    run.warm(BEGIN, None, 0, lambda done: None)
    write_segment(run, WorkPiece(0, LEARN, BEGIN, END), tmp_path / "segment")
    restored, _ = read_segment(tmp_path / "segment")
    assert restored.stream.interactions.shown == (run.stream.interactions.shown or [])[BEGIN:END]
    assert restored.stream.interactions.slate == (run.stream.interactions.slate or [])[BEGIN:END]
    for each in (run, restored):
        each.warm(each.at + END - BEGIN, None, 0, lambda done: None)
    first, second = (each.recommender.counters.popularity for each in (run, restored))
    assert first.known == second.known
    assert np.array_equal(first.shown[: first.known], second.shown[: second.known])
    assert first.shown.sum() > 0


@pytest.mark.parametrize("raw", [b"", b"\x80", b"no segment"])
def test_what_is_no_segment_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "segment").write_bytes(raw)
    with pytest.raises(DataError, match="expected a segment of this build"):
        read_segment(tmp_path / "segment")
    with pytest.raises(DataError, match="expected a segment"):
        read_segment(tmp_path / "missing")
