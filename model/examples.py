"""Training examples as columns, in shards: what was known when each event came, and what it was.

Candidate 0 of every example is the item that was met; the others were not. A shard stands for itself: it
carries the ids, texts and attributes of its items as they were when it began, so that no example sees text
that was written later, and shards of several processes can be trained on together.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from model.errors import DataError
from model.schema import F32


@dataclass(frozen=True)
class Shard:
    """n examples, L history items, K candidates, F candidate features; m items.

    Of items: items [m] their ids, text [m, dim], attributes [m, A], modalities: one float16 [m, its dim] a
    name. Of examples: history [n, L] and candidates [n, K] are places in `items` (-1: none); action [n] codes
    of `model.tasks`; rating [n], NaN where there is none; found [n]: whether a source had brought the item;
    user_events, item_events [n]: how many events came before; ts_ms [n].

    Where the event came from: slate, surface and arm [n], numbers of their names (`id_number`, 0: not told),
    position [n] (-1) and value [n] (NaN). shown [n, K]: whether the candidate was on that slate, so that one
    which is not the first was shown and not chosen; propensity [n, K] of being there, NaN where not known.
    """

    items: NDArray[np.str_]
    text: NDArray[np.float16]
    attributes: NDArray[np.int32]
    history: NDArray[np.int32]
    history_features: F32
    history_actions: NDArray[np.uint8]
    user_features: F32
    profile: NDArray[np.int32]
    words: F32
    liked: F32
    query: F32
    candidates: NDArray[np.int32]
    candidate_features: F32
    action: NDArray[np.uint8]
    rating: F32
    found: NDArray[np.bool_]
    user_events: NDArray[np.int32]
    item_events: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    slate: NDArray[np.int64]
    position: NDArray[np.int32]
    value: F32
    surface: NDArray[np.int64]
    arm: NDArray[np.int64]
    shown: NDArray[np.bool_]
    propensity: F32
    modalities: dict[str, NDArray[np.float16]]

    def __len__(self) -> int:
        return len(self.rating)

    def rows(self, chosen: NDArray[np.intp] | slice) -> Shard:
        """The examples at `chosen`, with all the items."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in EXAMPLE_FIELDS})

    def widened(self, candidates: int) -> Shard:
        """The same examples with so many candidates each: what is added is none."""
        room = candidates - self.candidates.shape[1]
        if not room:
            return self
        return replace(
            self, **{name: _widened(getattr(self, name), room, none) for name, none in NO_CANDIDATE.items()}
        )


def _widened(column: NDArray[Any], room: int, none: float) -> Any:
    """A column [n, K, ...] with `room` candidates more, which are `none`."""
    width = [(0, 0)] * column.ndim
    width[1] = (0, room)
    return np.pad(column, width, constant_values=none)


ITEM_FIELDS = ("items", "text", "attributes")
EXAMPLE_FIELDS = tuple(
    field.name for field in fields(Shard) if field.name not in (*ITEM_FIELDS, "modalities")
)
NO_CANDIDATE = {"candidates": -1, "candidate_features": 0.0, "shown": False, "propensity": np.nan}
"""What the fields of candidates say where there is none."""
FEEDBACK_FIELDS = ("slate", "position", "value", "surface", "arm", "shown", "propensity")
"""Those of `EXAMPLE_FIELDS` that older builds did not write."""
KEPT = "examples.npz"
"""What a folder of kept examples has, beside the checkpoint."""
MODALITY = "modality."


class Example(NamedTuple):
    """One row of a shard; history and candidates are places in the item table that the shard will have."""

    history: NDArray[np.int32]
    history_features: F32
    history_actions: NDArray[np.uint8]
    user_features: F32
    profile: NDArray[np.int32]
    words: F32
    liked: F32
    query: F32
    candidates: NDArray[np.int32]
    candidate_features: F32
    action: int
    rating: float
    found: bool
    user_events: int
    item_events: int
    ts_ms: int
    slate: int
    position: int
    value: float
    surface: int
    arm: int
    shown: NDArray[np.bool_]
    propensity: F32


def id_number(name: str) -> int:
    """A number for an id, the same everywhere; 0 for none. Two of a million ids share one once in 10^7 cases.

    >>> id_number("") == 0 < id_number("control") == id_number("control") != id_number("b")
    True
    """
    if not name:
        return 0
    return (
        int.from_bytes(hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()) >> 1
    ) or 1


class ItemTable(NamedTuple):
    """The items of a shard: ids [m], text [m, dim], attributes [m, A], modalities by name."""

    items: Sequence[str]
    text: F32
    attributes: NDArray[np.int32]
    modalities: dict[str, NDArray[np.float16]]


def shard(examples: Sequence[Example], table: ItemTable) -> Shard:
    """Stack examples; items that none of them names are left out of the table."""
    columns: dict[str, Any] = {name: [getattr(e, name) for e in examples] for name in Example._fields}
    history, candidates = np.stack(columns["history"]), np.stack(columns["candidates"])
    named = np.unique(np.concatenate([history.ravel(), candidates.ravel()]))
    named = named[named >= 0]
    place = np.full(len(table.items) + 1, -1, np.int32)  # the last one is what -1 points at
    place[named] = np.arange(len(named), dtype=np.int32)
    return Shard(
        items=np.array([table.items[row] for row in named], np.str_),
        text=table.text[named].astype(np.float16),
        attributes=table.attributes[named],
        history=place[history],
        history_features=np.stack(columns["history_features"]),
        history_actions=np.stack(columns["history_actions"]),
        user_features=np.stack(columns["user_features"]),
        profile=np.stack(columns["profile"]),
        words=np.stack(columns["words"]),
        liked=np.stack(columns["liked"]),
        query=np.stack(columns["query"]),
        candidates=place[candidates],
        candidate_features=np.stack(columns["candidate_features"]),
        action=np.array(columns["action"], np.uint8),
        rating=np.array(columns["rating"], np.float32),
        found=np.array(columns["found"], np.bool_),
        user_events=np.array(columns["user_events"], np.int32),
        item_events=np.array(columns["item_events"], np.int32),
        ts_ms=np.array(columns["ts_ms"], np.int64),
        slate=np.array(columns["slate"], np.int64),
        position=np.array(columns["position"], np.int32),
        value=np.array(columns["value"], np.float32),
        surface=np.array(columns["surface"], np.int64),
        arm=np.array(columns["arm"], np.int64),
        shown=np.stack(columns["shown"]),
        propensity=np.stack(columns["propensity"]),
        modalities={name: vectors[named] for name, vectors in table.modalities.items()},
    )


def no_feedback(examples: int, candidates: int) -> dict[str, Any]:
    """The columns of `FEEDBACK_FIELDS` of examples of which it is not known where they came from."""
    shape = (examples, candidates)
    return {
        "slate": np.zeros(examples, np.int64),
        "position": np.full(examples, -1, np.int32),
        "value": np.full(examples, np.nan, np.float32),
        "surface": np.zeros(examples, np.int64),
        "arm": np.zeros(examples, np.int64),
        "shown": np.zeros(shape, np.bool_),
        "propensity": np.full(shape, np.nan, np.float32),
    }


def divided(shards: Sequence[Shard]) -> tuple[list[Shard], list[Shard]]:
    """Kept shards: those that were trained on, and the held-out ones with whole pools, which stand last."""
    pool = shards[-1].candidates.shape[1] if shards else 0
    learned = [each for each in shards if each.candidates.shape[1] != pool]
    return learned, [each for each in shards if each.candidates.shape[1] == pool]


def save(shards: Sequence[Shard], path: Path) -> None:
    """Write shards into one .npz file (arrays only, never pickled objects)."""
    columns: dict[str, Any] = {}
    for k, each in enumerate(shards):
        columns |= {f"{k}.{name}": getattr(each, name) for name in (*ITEM_FIELDS, *EXAMPLE_FIELDS)}
        columns |= {f"{k}.{MODALITY}{name}": vectors for name, vectors in each.modalities.items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)


def load(path: Path) -> list[Shard]:
    """The shards that `save` wrote; `DataError` where the file is not such a file."""
    try:
        with path.open("rb") as file:
            columns = np.load(file, allow_pickle=False)
            if not isinstance(columns, NpzFile):
                raise ValueError("it holds a single array")
            count = len({name.split(".")[0] for name in columns})
            return [_read(columns, k) for k in range(count)]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: expected examples written by `headrace train`: {error}") from None


def _read(columns: NpzFile, k: int) -> Shard:
    lead = f"{k}.{MODALITY}"
    found = {
        name: columns[f"{k}.{name}"]
        for name in (*ITEM_FIELDS, *EXAMPLE_FIELDS)
        if name not in FEEDBACK_FIELDS or f"{k}.{name}" in columns
    }
    if "slate" not in found:
        found |= no_feedback(*found["candidates"].shape)
    return Shard(
        **found,
        modalities={name.removeprefix(lead): columns[name] for name in columns if name.startswith(lead)},
    )
