"""Runs a model whose scores come from parts of items, of users and of candidates (`model.in_parts`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
ITEMS_AT_ONCE = 4096


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

    def rescore(self, seen: SeenUsers, candidates: Mapping[str, F32], offsets: Sequence[int]) -> Scores:
        """Scores [N] of the users' candidates, which lie end to end: those of user b from `offsets[b]` on.

        candidates: `candidate_texts` [N, item_dim / 2], `candidate_features` [N, F], and rows of `tables`.
        """
        found = [np.empty(offsets[-1], np.float32) for _ in self.schema.tasks]
        if self.provider == "cpu":
            for user, (begin, end) in enumerate(pairwise(offsets)):
                if begin == end:
                    continue
                inputs = {name: each[user : user + 1] for name, each in seen.parts.items()}
                inputs |= {name: each[None, begin:end] for name, each in candidates.items()}
                for scores, run in zip(found, self._scores.run(inputs), strict=True):
                    scores[begin:end] = run[0]
        elif offsets[-1]:
            lengths = np.diff(offsets)
            there = np.arange(lengths.max()) < lengths[:, None]
            padded = {name: _padded(each, there) for name, each in candidates.items()}
            for scores, run in zip(found, self._scores.run({**seen.parts, **padded}), strict=True):
                scores[:] = run[there]
        click, rating, *more = found
        return Scores(click, rating, tuple(more))

    def score(self, inputs: RescorerInputs) -> Scores:
        """All parts at once, each score [B, K], as workers come by them; `model.schema` has the shapes."""
        users, candidates = inputs.candidate_features.shape[:2]
        parts = self.inputs_of(inputs)
        flat = {
            name: each.reshape(users * candidates, -1)
            for name, each in parts.items()
            if name.startswith("candidate_")
        }
        seen = SeenUsers(
            np.empty((0, 0), np.float32), {name: parts[name] for name in self._users.outputs[1:]}
        )
        scores = self.rescore(seen, flat, range(0, users * candidates + 1, candidates))
        click, rating, *more = (
            each.reshape(users, candidates) for each in (scores.click, scores.rating, *scores.more)
        )
        return Scores(click, rating, tuple(more))

    def inputs_of(self, inputs: RescorerInputs) -> dict[str, F32]:
        """What the candidates' file reads where the model as a whole reads `inputs`, by name."""
        vectors = inputs.candidate_vectors
        tables = self.tables(vectors.reshape(-1, self.schema.item_dim))
        return {
            **self.see(inputs.of_users).parts,
            TEXTS: np.ascontiguousarray(vectors[..., self.part :]),
            FEATURES: np.ascontiguousarray(inputs.candidate_features),
            **{name: each.reshape(*vectors.shape[:2], -1) for name, each in tables.items()},
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
