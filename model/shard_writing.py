"""Writes shards of examples as Parquet, which any engine reads; a shard is there whole, or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from model.errors import DataError
from model.examples import EXAMPLE_FIELDS, MODALITY, Shard
from model.shard_format import EXAMPLES, FACTS, ITEMS, NAME, UNFINISHED, ShardFacts, dtype_of


def write_shard(shard: Shard, folder: Path, name: str, features: Sequence[str] = ()) -> Path:
    """Write a shard under `name`; its folder. Raises `OSError` where it can't be written (disk full,
    read-only, the name is taken), `DataError` for a name that is none and for a shard without examples.

    `features`: the names of the candidate features, for whoever reads them with a model made elsewhere.
    """
    if not NAME.fullmatch(name):
        raise DataError(f"shard name {name!r}: expected letters, digits, '.', '_' or '-', 128 at most")
    if not len(shard):
        raise DataError(f"shard {name!r} holds no example; expected at least one")
    of_examples = {each: getattr(shard, each) for each in EXAMPLE_FIELDS}
    of_items: dict[str, NDArray[Any]] = {"text": shard.text, "attributes": shard.attributes}
    of_items |= {MODALITY + each: vectors for each, vectors in shard.modalities.items()}
    facts = ShardFacts(
        examples=len(shard),
        items=len(shard.items),
        first_ms=int(shard.ts_ms.min()),
        last_ms=int(shard.ts_ms.max()),
        shapes={each: values.shape[1:] for each, values in (of_examples | of_items).items()},
        features=tuple(features),
    )
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / f"{UNFINISHED}{name}-{uuid.uuid4().hex[:8]}"
    staging.mkdir()
    try:
        _write(
            staging / EXAMPLES, {each: _packed(each, values) for each, values in of_examples.items()}, facts
        )
        items = {"items": pa.array(shard.items.tolist(), pa.string())}
        _write(staging / ITEMS, items | {each: _packed(each, of_items[each]) for each in of_items}, facts)
        _flush(staging)
        staging.rename(folder / name)
        _flush(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder / name


def _packed(name: str, values: NDArray[Any]) -> Any:
    """An Arrow array of n rows; rows of width 0 are written as nulls, for Parquet has no such lists."""
    if values.ndim == 1:
        return pa.array(values.astype(dtype_of(name), copy=False))
    width = int(np.prod(values.shape[1:]))
    if not width:
        return pa.nulls(len(values))
    flat = np.ascontiguousarray(values, dtype_of(name)).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), width)


def _write(path: Path, columns: Mapping[str, Any], facts: ShardFacts) -> None:
    table = pa.table(dict(columns)).replace_schema_metadata({FACTS: msgspec.json.encode(facts)})
    with path.open("wb") as file:
        parquet.write_table(table, file, compression="zstd", use_dictionary=False, write_page_checksum=True)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    """fsync a folder, so that what a rename shows is there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
