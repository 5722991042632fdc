"""Shards of examples on disk as Parquet, which any engine reads; a shard is there whole, or not at all.

FOLDER/NAME/examples.parquet   a row an example; what has several values is a fixed-size list (C order)
FOLDER/NAME/items.parquet      a row an item: its id, text, attributes and modalities

Both carry the shard's facts (JSON, under `headrace.shard`) in their metadata: lengths and times are known
without reading a column. Pages have checksums, which are verified.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from model.errors import DataError
from model.examples import EXAMPLE_FIELDS, FEEDBACK_FIELDS, MODALITY, Shard, no_feedback

EXAMPLES, ITEMS = "examples.parquet", "items.parquet"
FACTS = b"headrace.shard"
VERSION = 2
"""A shard of version 1 says nothing of where its examples came from; it is read as `no_feedback` has it."""
UNFINISHED = ".writing-"

DTYPES: Mapping[str, type[np.generic]] = {
    "history": np.int32,
    "history_features": np.float32,
    "history_actions": np.uint8,
    "user_features": np.float32,
    "profile": np.int32,
    "words": np.float32,
    "liked": np.float32,
    "query": np.float32,
    "candidates": np.int32,
    "candidate_features": np.float32,
    "action": np.uint8,
    "rating": np.float32,
    "found": np.bool_,
    "user_events": np.int32,
    "item_events": np.int32,
    "ts_ms": np.int64,
    "slate": np.int64,
    "position": np.int32,
    "value": np.float32,
    "surface": np.int64,
    "arm": np.int64,
    "shown": np.bool_,
    "propensity": np.float32,
}
ITEM_DTYPES: Mapping[str, type[np.generic]] = {"text": np.float16, "attributes": np.int32}

_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class ShardFacts(msgspec.Struct, frozen=True):
    """Of a shard: how many examples and items, the times of its first and last example, and of each column
    the shape that a row has. `features`: the names of the candidate features, where the writer told them.
    """

    examples: int
    items: int
    first_ms: int
    last_ms: int
    shapes: dict[str, tuple[int, ...]]
    features: tuple[str, ...] = ()
    version: int = VERSION


def write_shard(shard: Shard, folder: Path, name: str, features: Sequence[str] = ()) -> Path:
    """Write a shard under `name`; its folder. Raises `OSError` where it can't be written (disk full,
    read-only, the name is taken), `DataError` for a name that is none and for a shard without examples.

    `features`: the names of the candidate features, for whoever reads them with a model made elsewhere.
    """
    if not _name.fullmatch(name):
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


def read_facts(path: Path) -> ShardFacts:
    """The facts of the shard in folder `path`, from the file's footer alone."""
    try:
        return _facts(path / EXAMPLES, parquet.read_metadata(path / EXAMPLES).metadata)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None


def read_shard(path: Path) -> Shard:
    """The shard in folder `path`; `DataError` where it is none, is damaged or is of another version."""
    facts = read_facts(path)
    examples = _read(path / EXAMPLES, facts, facts.examples)
    items = _read(path / ITEMS, facts, facts.items)
    modalities = [each for each in facts.shapes if each.startswith(MODALITY)]
    told = [each for each in EXAMPLE_FIELDS if facts.version > 1 or each not in FEEDBACK_FIELDS]
    columns = {each: _unpacked(path / EXAMPLES, examples, each, facts) for each in told}
    if facts.version == 1:
        columns |= no_feedback(*columns["candidates"].shape)
    found = Shard(
        items=np.array(_column(path / ITEMS, items, "items", pa.string()).to_pylist(), np.str_),
        **{each: _unpacked(path / ITEMS, items, each, facts) for each in ITEM_DTYPES},
        **columns,
        modalities={
            each.removeprefix(MODALITY): _unpacked(path / ITEMS, items, each, facts) for each in modalities
        },
    )
    for name, places in (("history", found.history), ("candidates", found.candidates)):
        if places.size and not -1 <= places.min() <= places.max() < facts.items:
            raise DataError(
                f"{path}: {name} names items {places.min()} to {places.max()}; "
                f"expected -1 to {facts.items - 1}, as the shard has {facts.items} items"
            )
    return found


def read_times(path: Path) -> NDArray[np.int64]:
    """`ts_ms` of the examples of a shard; nothing else is read."""
    return _unpacked(path / EXAMPLES, _table(path / EXAMPLES, ["ts_ms"]), "ts_ms", read_facts(path))


def read_items(path: Path) -> list[str]:
    """The ids of a shard's items; nothing else is read."""
    found: list[str] = _column(
        path / ITEMS, _table(path / ITEMS, ["items"]), "items", pa.string()
    ).to_pylist()
    return found


def shard_folders(folder: Path) -> list[Path]:
    """The shards in `folder` that were finished, by name; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        each for each in folder.iterdir() if _name.fullmatch(each.name) and (each / EXAMPLES).is_file()
    )


class ShardFiles(Sequence[Shard]):
    """Shards on disk, oldest first; each is read when it is asked for, and not kept."""

    def __init__(self, paths: Iterable[Path]) -> None:
        found = sorted(
            ((read_facts(path), path) for path in paths), key=lambda each: (_when(each[0]), each[1])
        )
        self.facts = [facts for facts, _ in found]
        self.paths = [path for _, path in found]

    @property
    def lengths(self) -> list[int]:
        """How many examples each shard has, without reading them."""
        return [each.examples for each in self.facts]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, at: int) -> Shard: ...
    @overload
    def __getitem__(self, at: slice) -> ShardFiles: ...
    def __getitem__(self, at: int | slice) -> Shard | ShardFiles:
        if isinstance(at, slice):
            return ShardFiles(self.paths[at])
        return read_shard(self.paths[at])


def lengths(shards: Sequence[Shard]) -> list[int]:
    """How many examples each shard has; shards on disk are not read for it."""
    return shards.lengths if isinstance(shards, ShardFiles) else [len(each) for each in shards]


def _when(facts: ShardFacts) -> tuple[int, int]:
    return facts.first_ms, facts.last_ms


def _dtype(name: str) -> type[np.generic]:
    return np.float16 if name.startswith(MODALITY) else {**DTYPES, **ITEM_DTYPES}[name]


def _packed(name: str, values: NDArray[Any]) -> Any:
    """An Arrow array of n rows; rows of width 0 are written as nulls, for Parquet has no such lists."""
    if values.ndim == 1:
        return pa.array(values.astype(_dtype(name), copy=False))
    width = int(np.prod(values.shape[1:]))
    if not width:
        return pa.nulls(len(values))
    flat = np.ascontiguousarray(values, _dtype(name)).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), width)


def _unpacked(path: Path, table: Any, name: str, facts: ShardFacts) -> NDArray[Any]:
    if name not in facts.shapes:
        raise DataError(f"{path}: expected a column {name!r}; it has {', '.join(facts.shapes)}")
    shape, dtype = facts.shapes[name], _dtype(name)
    width = int(np.prod(shape))
    if not width:
        return np.empty((table.num_rows, *shape), dtype)
    kind = pa.from_numpy_dtype(dtype)
    column = _column(path, table, name, pa.list_(kind, width) if shape else kind)
    values = column.flatten() if shape else column
    if values.null_count:
        raise DataError(f"{path}: column {name!r} has {values.null_count} nulls; expected none")
    return np.array(values.to_numpy(zero_copy_only=False), dtype).reshape(-1, *shape)


def _column(path: Path, table: Any, name: str, kind: Any) -> Any:
    if name not in table.column_names:
        raise DataError(f"{path}: expected a column {name!r}; it has {', '.join(table.column_names)}")
    column = table.column(name)
    if not column.type.equals(kind) or column.null_count:
        raise DataError(
            f"{path}: column {name!r}: expected {kind} without nulls; "
            f"got {column.type} with {column.null_count} nulls"
        )
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], kind)


def _write(path: Path, columns: Mapping[str, Any], facts: ShardFacts) -> None:
    table = pa.table(dict(columns)).replace_schema_metadata({FACTS: msgspec.json.encode(facts)})
    with path.open("wb") as file:
        parquet.write_table(table, file, compression="zstd", use_dictionary=False, write_page_checksum=True)
        file.flush()
        os.fsync(file.fileno())


def _table(path: Path, columns: Sequence[str] | None = None) -> Any:
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(columns)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None


def _read(path: Path, facts: ShardFacts, rows: int) -> Any:
    table = _table(path)
    if _facts(path, table.schema.metadata) != facts or table.num_rows != rows:
        raise DataError(
            f"{path}: expected {rows} rows of its shard; got {table.num_rows}, or those of another"
        )
    return table


def _facts(path: Path, metadata: Mapping[bytes, bytes] | None) -> ShardFacts:
    try:
        version = msgspec.json.decode((metadata or {})[FACTS])["version"]
        if version in (1, VERSION):
            return msgspec.json.decode((metadata or {})[FACTS], type=ShardFacts)
    except (KeyError, TypeError, msgspec.MsgspecError) as error:
        raise _unreadable(path, error) from None
    raise DataError(
        f"{path}: examples of version {version!r}; this build reads 1 to {VERSION}: log or collect anew"
    )


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: expected a shard of examples as `write_shard` makes it: {error!r}")


def _flush(folder: Path) -> None:
    """fsync a folder, so that what a rename shows is there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
