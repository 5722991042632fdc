"""Examples on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import DataError
from model.examples import FIELDS, Example, load, save, shard
from tests.model.examples_of import planted


def test_shards_come_back_as_they_were(tmp_path: Path) -> None:
    shards = [planted(7, seed=1), planted(3, seed=2), *(planted(1, seed=k) for k in range(3, 12))]
    save(shards, tmp_path / "examples.npz")
    again = load(tmp_path / "examples.npz")
    assert len(again) == len(shards)
    for one, other in zip(shards, again, strict=True):
        for name in FIELDS:
            before, after = getattr(one, name), getattr(other, name)
            assert (before.dtype, before.shape) == (after.dtype, after.shape)
            assert before.tobytes() == after.tobytes()


def test_no_shards_are_no_shards(tmp_path: Path) -> None:
    save([], tmp_path / "examples.npz")
    assert load(tmp_path / "examples.npz") == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: b"not an archive",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[: len(raw) // 3] + bytes(200) + raw[len(raw) // 3 + 200 :],
    ],
    ids=["empty", "text", "cut short", "overwritten"],
)
def test_a_damaged_file_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "examples.npz"
    save([planted(20)], path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="expected examples written by"):
        load(path)


def test_other_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "examples.npz"
    np.savez(path, other=np.zeros(3))
    with pytest.raises(DataError, match="expected examples written by"):
        load(path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match="expected examples written by"):
        load(path)
    with pytest.raises(DataError, match="expected examples written by"):
        load(tmp_path / "missing.npz")


def test_examples_are_stacked_with_their_text_as_float16() -> None:
    source = planted(4)
    columns = [getattr(source, name) for name in FIELDS if name != "text"]
    examples = [Example(*(column[k] for column in columns)) for k in range(4)]
    made = shard(examples, source.text.astype(np.float32))
    assert len(made) == 4
    for name in FIELDS:
        assert getattr(made, name).tobytes() == getattr(source, name).tobytes()
