"""Examples on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import DataError
from model.examples import (
    EXAMPLE_FIELDS,
    FEEDBACK_FIELDS,
    ITEM_FIELDS,
    Example,
    ItemTable,
    Shard,
    load,
    no_feedback,
    save,
    shard,
)
from tests.model.examples_of import CANDIDATES, HISTORY, planted


def columns_of(each: Shard) -> dict[str, NDArray[Any]]:
    """Every array of a shard."""
    return {name: getattr(each, name) for name in (*ITEM_FIELDS, *EXAMPLE_FIELDS)} | {
        f"modality {name}": vectors for name, vectors in each.modalities.items()
    }


def same(one: Shard, other: Shard) -> None:
    before, after = columns_of(one), columns_of(other)
    assert set(before) == set(after)
    for name, values in before.items():
        assert (values.dtype, values.shape) == (after[name].dtype, after[name].shape), name
        assert values.tobytes() == after[name].tobytes(), name


@pytest.mark.parametrize("image", [False, True])
def test_shards_come_back_as_they_were(tmp_path: Path, image: bool) -> None:
    seeds = {1: 7, 2: 3, **dict.fromkeys(range(3, 12), 1)}
    shards = [planted(count, seed, image=image) for seed, count in seeds.items()]
    save(shards, tmp_path / "examples.npz")
    again = load(tmp_path / "examples.npz")
    assert len(again) == len(shards)
    for one, other in zip(shards, again, strict=True):
        same(one, other)


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


def test_examples_that_an_older_build_kept_are_loaded(tmp_path: Path) -> None:
    """They say nothing of where their events came from."""
    path, made = tmp_path / "examples.npz", [planted(5), planted(3)]
    save(made, path)
    with np.load(path) as columns:
        old = {name: columns[name] for name in columns if name.split(".")[1] not in FEEDBACK_FIELDS}
    np.savez(path, **old)
    for loaded, each in zip(load(path), made, strict=True):
        same(loaded, replace(each, **no_feedback(*each.candidates.shape)))


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


def examples_in(source: Shard) -> list[Example]:
    return [
        Example(**{name: getattr(source, name)[k] for name in Example._fields}) for k in range(len(source))
    ]


def test_examples_are_stacked_and_items_that_none_names_are_left_out() -> None:
    source = planted(4, items=200, image=True)
    table = ItemTable(
        source.items.tolist(), source.text.astype(np.float32), source.attributes, source.modalities
    )
    made = shard(examples_in(source), table)
    assert len(made) == 4
    for name in EXAMPLE_FIELDS:
        if name not in ("history", "candidates"):
            assert getattr(made, name).dtype == getattr(source, name).dtype
            assert getattr(made, name).tobytes() == getattr(source, name).tobytes(), name
    named = {*source.history.ravel().tolist(), *source.candidates.ravel().tolist()} - {-1}
    assert made.items.tolist() == [f"i{row}" for row in sorted(named)]
    for name in ("history", "candidates"):
        for new, old in zip(getattr(made, name).ravel(), getattr(source, name).ravel(), strict=True):
            if old < 0:
                assert new == -1
                continue
            assert made.items[new] == source.items[old]
            assert made.text[new].tobytes() == source.text[old].tobytes()
            assert made.attributes[new].tobytes() == source.attributes[old].tobytes()
            assert made.modalities["image"][new].tobytes() == source.modalities["image"][old].tobytes()


def test_chosen_rows_keep_all_the_items() -> None:
    source = planted(6)
    part = source.rows(np.array([4, 1]))
    assert len(part) == 2
    assert part.history.shape == (2, HISTORY)
    assert part.candidates.shape == (2, CANDIDATES)
    assert part.user_features.tobytes() == source.user_features[[4, 1]].tobytes()
    assert part.items is source.items
    same(source.rows(slice(None)), source)
