"""Shards on disk come back as they were, one at a time; what is damaged is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from model import shards
from model.errors import DataError
from model.examples import FEEDBACK_FIELDS, no_feedback
from model.plan import TrainPlan
from model.schema import Schema
from model.shard_format import EXAMPLES, FACTS, ITEMS, UNFINISHED
from model.shard_writing import write_shard
from model.shards import (
    ShardFiles,
    lengths,
    read_facts,
    read_items,
    read_shard,
    read_times,
    shard_folders,
)
from tests.model.random_shards import assert_same, random_shard

widths = st.integers(0, 4)


@given(
    examples=st.integers(1, 40),
    items=st.integers(1, 20),
    candidates=st.integers(1, 6),
    seed=st.integers(0, 2**16),
    features=st.integers(1, 4),
    dims=st.tuples(widths, widths, widths, widths),
    image=st.booleans(),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_shard_of_any_form_comes_back_bit_for_bit(
    tmp_path: Path,
    examples: int,
    items: int,
    candidates: int,
    seed: int,
    features: int,
    dims: tuple[int, int, int, int],
    image: bool,
) -> None:
    names = tuple("abcd"[:features])
    text, attributes, profile, history = dims
    schema = Schema(
        names, names, names, modalities={"image": 3} if image else {},
        history=history, text_dim=text, attributes=attributes, profile=profile,
    )  # fmt: skip
    shard = random_shard(examples, seed, items, candidates, schema)
    folder = tmp_path / "any"
    assert_same(read_shard(write_shard(shard, folder, "one")), shard)
    shutil.rmtree(folder)


def test_facts_times_and_items_are_read_by_themselves(tmp_path: Path) -> None:
    shard = random_shard(7, begin_ms=5_000, step_ms=10)
    path = write_shard(shard, tmp_path, "one", ("x", "y", "z"))
    facts = read_facts(path)
    assert (facts.examples, facts.items, facts.first_ms, facts.last_ms) == (7, 12, 5_000, 5_060)
    assert facts.features == ("x", "y", "z")
    assert facts.shapes["candidate_features"] == (5, 3)
    assert read_times(path).tolist() == shard.ts_ms.tolist()
    assert read_items(path) == shard.items.tolist()


def test_files_are_oldest_first_and_read_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [random_shard(n, seed=n, begin_ms=10_000 * n) for n in (3, 1, 2)]
    paths = [write_shard(shard, tmp_path, f"s{k}") for k, shard in enumerate(made)]
    read: list[Path] = []
    real = shards.read_shard

    def counted(path: Path) -> Any:
        read.append(path)
        return real(path)

    monkeypatch.setattr(shards, "read_shard", counted)
    files = ShardFiles(paths)
    assert lengths(files) == files.lengths == [1, 2, 3]
    assert lengths(made) == [3, 1, 2]
    assert (len(files), read) == (3, [])
    assert_same(files[1], made[2])
    assert read == [paths[2]]
    assert files[1:].lengths == [2, 3]
    assert [len(each) for each in files] == [1, 2, 3]
    with pytest.raises(IndexError):
        files[3]


@pytest.mark.usefixtures("one_thread")
def test_training_holds_one_window_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from model.network import FusionNet
    from model.plan import NetworkPlan
    from model.tasks import default_tasks
    from model.train import fit, fit_scales
    from model.vocabulary import Vocabulary
    from tests.model.alive import Alive

    schema = Schema(
        ("a", "b"), ("c",), ("d",), ("click", "rating", "like"), history=3, text_dim=4, item_dim=8
    )
    files = ShardFiles(
        write_shard(random_shard(20, seed=k, schema=schema, begin_ms=k), tmp_path, f"s{k}") for k in range(6)
    )
    alive = Alive(shards.read_shard)
    monkeypatch.setattr(shards, "read_shard", alive)
    net = FusionNet(NetworkPlan(width=8, hidden=(8, 4)), schema, 12)
    fit_scales(net, files)
    assert (alive.calls, alive.most) == (6, 2)  # one, while the next takes its name
    alive.calls = alive.most = 0
    vocabulary = Vocabulary(tuple(f"Artikel-{n}-ü" for n in range(12)))
    plan = TrainPlan(epochs=2, batch=16, window=2, negatives=4)
    fit(net, files, [], plan, default_tasks(), vocabulary)
    assert (alive.calls, alive.most) == (12, 2)


def test_what_is_unfinished_or_missing_is_no_shard(tmp_path: Path) -> None:
    write_shard(random_shard(3), tmp_path, "one")
    (tmp_path / f"{UNFINISHED}two-1").mkdir()
    assert shard_folders(tmp_path) == [tmp_path / "one"]
    assert shard_folders(tmp_path / "nowhere") == []
    with pytest.raises(DataError, match="expected a shard"):
        read_shard(tmp_path / "nowhere")


@pytest.mark.parametrize("file", [EXAMPLES, ITEMS])
@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: b"not a table",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
    ],
    ids=["empty", "text", "cut short", "one bit"],
)
def test_a_damaged_file_is_refused(tmp_path: Path, file: str, damage: Callable[[bytes], bytes]) -> None:
    path = write_shard(random_shard(50), tmp_path, "one")
    (path / file).write_bytes(damage((path / file).read_bytes()))
    with pytest.raises(DataError, match="expected a shard of examples"):
        read_shard(path)


def rewritten(path: Path, change: Callable[[Any], Any]) -> None:
    parquet.write_table(change(parquet.read_table(path)), path)


def with_facts(table: Any, old: bytes, new: bytes) -> Any:
    facts = table.schema.metadata[FACTS]
    assert old in facts
    return table.replace_schema_metadata({FACTS: facts.replace(old, new)})


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (EXAMPLES, lambda t: with_facts(t, b'"version":2', b'"version":9'), "version 9; this build reads 1"),
        (EXAMPLES, lambda t: t.replace_schema_metadata(None), "expected a shard of examples"),
        (EXAMPLES, lambda t: t.drop_columns(["rating"]), "expected a column 'rating'"),
        (EXAMPLES, lambda t: with_facts(t, b'"rating"', b'"stars"'), "those of another|expected a column"),
        (EXAMPLES, lambda t: t.slice(1), "expected 9 rows"),
        (ITEMS, lambda t: t.drop_columns(["items"]), "expected a column 'items'"),
        (ITEMS, lambda t: t.slice(0, 4), "expected 12 rows"),
        (
            EXAMPLES,
            lambda t: t.set_column(
                t.column_names.index("action"), "action", t.column("action").cast(pa.float64())
            ),
            "column 'action': expected uint8",
        ),
        (
            EXAMPLES,
            lambda t: t.set_column(
                t.column_names.index("ts_ms"), "ts_ms", pa.array([None, *range(8)], pa.int64())
            ),
            "1 nulls",
        ),
        (
            EXAMPLES,
            lambda t: t.set_column(
                t.column_names.index("candidates"),
                "candidates",
                pa.FixedSizeListArray.from_arrays(pa.array(np.full(45, 12, np.int32)), 5),
            ),
            "candidates names items 12 to 12; expected -1 to 11",
        ),
    ],
)
def test_what_is_not_as_expected_is_refused_with_what_was(
    tmp_path: Path, file: str, change: Callable[[Any], Any], message: str
) -> None:
    path = write_shard(random_shard(9), tmp_path, "one")
    rewritten(path / file, change)
    with pytest.raises(DataError, match=message):
        read_shard(path)


def as_version_1(table: Any) -> Any:
    """The file as the build of version 1 wrote it: without the columns of where an event came from."""
    facts = msgspec.json.decode(table.schema.metadata[FACTS])
    facts |= {"version": 1, "shapes": {k: v for k, v in facts["shapes"].items() if k not in FEEDBACK_FIELDS}}
    kept = table.drop_columns([each for each in FEEDBACK_FIELDS if each in table.column_names])
    return kept.replace_schema_metadata({FACTS: msgspec.json.encode(facts)})


def test_a_shard_of_version_1_is_read(tmp_path: Path) -> None:
    made = random_shard(9, 1, items=12)
    path = write_shard(made, tmp_path, "one")
    for file in (EXAMPLES, ITEMS):
        rewritten(path / file, as_version_1)
    assert read_facts(path).version == 1
    assert_same(read_shard(path), replace(made, **no_feedback(*made.candidates.shape)))
    both = ShardFiles([path, write_shard(random_shard(4, 2, items=12), tmp_path, "two")])
    assert sorted(lengths(both)) == [4, 9]


def test_files_of_two_shards_are_not_mixed(tmp_path: Path) -> None:
    one, two = (write_shard(random_shard(9, begin_ms=k), tmp_path, f"s{k}") for k in range(2))
    shutil.copy(two / ITEMS, one / ITEMS)
    with pytest.raises(DataError, match="those of another"):
        read_shard(one)
