"""Reads shards of examples from disk, and verifies their checksums. `model.shard_format` says their form."""

from __future__ import annotations

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
from model.shard_format import EXAMPLES, FACTS, ITEM_DTYPES, ITEMS, NAME, VERSION, ShardFacts, dtype_of


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
        each for each in folder.iterdir() if NAME.fullmatch(each.name) and (each / EXAMPLES).is_file()
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


def _unpacked(path: Path, table: Any, name: str, facts: ShardFacts) -> NDArray[Any]:
    if name not in facts.shapes:
        raise DataError(f"{path}: expected a column {name!r}; it has {', '.join(facts.shapes)}")
    shape, dtype = facts.shapes[name], dtype_of(name)
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
