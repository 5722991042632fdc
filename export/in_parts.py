"""Runs a model whose scores come from parts of items, of users and of candidates (`model.in_parts`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.gather import gathered
from export.manifest import ITEM_PART, USER_TOWER
from export.providers import Opened
from export.random_inputs import random_inputs
from export.session import (
    Rescorer,
    Runner,
    check_inputs,
    input_shapes,
    open_session,
    user_shapes,
)
from model.errors import ManifestError
from model.schema import F32, RescorerInputs, Schema, Scores, SeenUsers, UserInputs

TEXTS, FEATURES = "candidate_texts", "candidate_features"
ITEMS_AT_ONCE = 512


class ItemTables(NamedTuple):
    """Of each item its vector [n, item_dim], and what `InParts.tables` makes of it, by name [n, ...]."""

    vectors: F32
    tables: Mapping[str, F32]


class Candidates(NamedTuple):
    """The candidates of users, end to end: those of user b from `offsets[b]` on. rows int32 [N]: which items
    they are; features [N, F].
    """

    rows: NDArray[np.int32]
    features: F32
    offsets: Sequence[int] | NDArray[np.int64]


class InParts:
    """The three files of one model; the constructor warms them up.

    A CPU scores one user a run: a score never depends on who else is in the batch, in any precision, and what
    a run reads and writes stays in the cache. A GPU scores all users in one run.
    """

    def __init__(self, items: Opened, users: Opened, scores: Opened, schema: Schema) -> None:
        self.schema, self.part = schema, schema.item_dim // 2
        check_inputs(items.session, {"vectors": (None, schema.item_dim)})
        check_inputs(users.session, user_shapes(schema))
        self._items, self._users = Runner(items, _outputs(items)), Runner(users, _outputs(users))
        self._scores = Runner(scores, schema.tasks)
        self._widths = _widths(scores, self._items.outputs, schema)
        for people in (1, 2):
            self.score(random_inputs(schema, people, 200))

    @property
    def provider(self) -> str:
        """ "tensorrt", "cuda" or "cpu": what truly runs."""
        return self._scores.provider

    @property
    def fell_back(self) -> bool:
        """Whether that is another provider than the first one in the settings."""
        return self._scores.fell_back

    def tables(self, vectors: F32) -> dict[str, F32]:
        """vectors [N, item_dim] -> the items' parts by name, each [N, ...]."""
        made = {name: np.empty((len(vectors), width), np.float32) for name, width in self._widths.items()}
        for start in range(0, len(vectors), ITEMS_AT_ONCE):
            part = slice(start, start + ITEMS_AT_ONCE)
            found = self._items.run({"vectors": np.ascontiguousarray(vectors[part])})
            for name, rows in zip(self._items.outputs, found, strict=True):
                made[name][part] = rows
        return made

    def see(self, inputs: UserInputs) -> SeenUsers:
        """The one run of the user tower: the users' vectors, and their parts by name."""
        vectors, *parts = self._users.run(inputs._asdict())
        return SeenUsers(vectors, dict(zip(self._users.outputs[1:], parts, strict=True)))

    def vectors(self, inputs: UserInputs) -> F32:
        """[B, user_dim], for retrieval."""
        return self.see(inputs).vectors

    def rescore(self, seen: SeenUsers, items: ItemTables, asked: Candidates) -> Scores:
        """Scores [N] of the users' candidates."""
        found = [np.empty(len(asked.rows), np.float32) for _ in self.schema.tasks]
        if self.provider == "cpu":
            for user, (begin, end) in enumerate(pairwise(asked.offsets)):
                if begin == end:
                    continue
                inputs = {name: each[user : user + 1] for name, each in seen.parts.items()}
                # What is gathered right before it is read is read from the cache.
                for name, each in self._gathered(items, asked.rows[begin:end]).items():
                    inputs[name] = each[None]
                inputs[FEATURES] = asked.features[None, begin:end]
                for scores, run in zip(found, self._scores.run(inputs), strict=True):
                    scores[begin:end] = run[0]
        elif len(asked.rows):
            lengths = np.diff(asked.offsets)
            there = np.arange(lengths.max()) < lengths[:, None]
            flat = {**self._gathered(items, asked.rows), FEATURES: asked.features}
            padded = {name: _padded(each, there) for name, each in flat.items()}
            for scores, run in zip(found, self._scores.run({**seen.parts, **padded}), strict=True):
                scores[:] = run[there]
        click, rating, *more = found
        return Scores(click, rating, tuple(more))

    def _gathered(self, items: ItemTables, rows: NDArray[np.int32]) -> dict[str, F32]:
        """What the candidates' file reads of these items, by name."""
        made = {name: gathered(table, rows) for name, table in items.tables.items()}
        made[TEXTS] = gathered(items.vectors, rows, self.part)
        return made

    def score(self, inputs: RescorerInputs) -> Scores:
        """All parts at once, each score [B, K], as workers come by them; `model.schema` has the shapes."""
        users, candidates = inputs.candidate_features.shape[:2]
        scores = self.rescore(self.see(inputs.of_users), *self.flat(inputs))
        click, rating, *more = (
            each.reshape(users, candidates) for each in (scores.click, scores.rating, *scores.more)
        )
        return Scores(click, rating, tuple(more))

    def flat(self, inputs: RescorerInputs) -> tuple[ItemTables, Candidates]:
        """The candidates of `inputs` as `rescore` takes them, each of them as an item of its own."""
        users, candidates, features = inputs.candidate_features.shape
        vectors = inputs.candidate_vectors.reshape(-1, self.schema.item_dim)
        rows = np.arange(len(vectors), dtype=np.int32)
        flat = np.ascontiguousarray(inputs.candidate_features).reshape(-1, features)
        offsets = [candidates * user for user in range(users + 1)]
        return ItemTables(vectors, self.tables(vectors)), Candidates(rows, flat, offsets)

    def inputs_of(self, inputs: RescorerInputs) -> dict[str, F32]:
        """What the candidates' file reads where the model as a whole reads `inputs`, by name."""
        items, asked = self.flat(inputs)
        flat = {**self._gathered(items, asked.rows), FEATURES: asked.features}
        shape = inputs.candidate_features.shape[:2]
        return {
            **self.see(inputs.of_users).parts,
            **{name: each.reshape(*shape, -1) for name, each in flat.items()},
        }


def open_rescorer(
    path: Path,
    schema: Schema,
    beside: Path | None = None,
    providers: Sequence[str] = ("cpu",),
    threads: int = 1,
) -> Rescorer | InParts:
    """The rescorer in the file, as a worker with one CPU thread runs it unless told otherwise: with the parts
    of items and users in the folder `beside` (its own), unless it reads everything itself.
    """

    def opened(file: Path) -> Opened:
        return open_session(lambda _provider: file, providers, threads=threads)

    folder, scores = beside or path.parent, opened(path)
    if reads_everything(scores):
        return Rescorer(scores, schema)
    return InParts(opened(folder / ITEM_PART), opened(folder / USER_TOWER), scores, schema)


def reads_everything(opened: Opened) -> bool:
    """Whether the file reads histories itself, as in the first layout."""
    return "history_vectors" in input_shapes(opened.session)


def _outputs(opened: Opened) -> list[str]:
    return [each.name for each in opened.session.get_outputs()]


def _widths(scores: Opened, tables: Sequence[str], schema: Schema) -> dict[str, int]:
    """The widths of the items' parts that the candidates' file reads; `ManifestError` where they are others
    than the item part makes, or where the rest of the file does not fit the schema.
    """
    found = {name: shape[-1] or 0 for name, shape in input_shapes(scores.session).items()}
    fixed = {TEXTS: schema.item_dim // 2, FEATURES: len(schema.candidate_features)}
    candidates = {name: width for name, width in found.items() if name.startswith("candidate_")}
    items = {name: width for name, width in candidates.items() if name not in fixed}
    if candidates != fixed | items or set(items) != set(tables):
        raise ManifestError(
            f"the candidates' ONNX file takes {candidates}; its manifest's schema says {fixed}, and the item "
            f"part makes {', '.join(tables)}; export it again"
        )
    return items


def _padded(rows: F32, there: NDArray[np.bool_]) -> F32:
    """Rows [N, ...] as [B, K, ...], zero where nothing is."""
    padded: NDArray[Any] = np.zeros((*there.shape, *rows.shape[1:]), np.float32)
    padded[there] = rows
    return padded
