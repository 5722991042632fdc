"""A model in parts whose users and candidates go through compiled code in place of onnxruntime.

onnxruntime's price of a user alone is one of each node, above all where other programs have taken the cache.
A tape has no such price, and its scores are those of the fp32 files, in any batch. Items go through
onnxruntime: theirs are large batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.forward.feeding import Places, score_candidates, see_users
from export.forward.instructions import WIDTH
from export.forward.program import Place, compile_graph
from export.in_parts import FEATURES, TEXTS, Candidates, InParts, ItemTables
from export.manifest import ITEM_PART, RESCORER_FP32, USER_TOWER
from export.providers import COMPILED, Opened
from export.random_inputs import random_inputs
from export.session import open_session
from model.errors import ModelError, UnknownNetworkError
from model.schema import USER_INPUTS, USER_PART, Schema, Scores, SeenUsers, UserInputs

WHOLE = ("history_actions", "profile")
FLOATS = tuple(name for name in USER_INPUTS if name not in WHOLE)
"""What is read of users, and of it what are whole numbers."""
KINDS = [np.dtype(np.int64 if name in WHOLE else np.float32) for name in USER_INPUTS]
_floats, _wholes = (itemgetter(*map(USER_INPUTS.index, names)) for names in (FLOATS, WHOLE))
BLOCK = 40
"""So many candidates go through the tape together: few enough to stay in the cache, and a usual pool is three
times as many.
"""
TABLES = 4
"""How many tables of items compiled code is given, some of them perhaps to no use: for another number it
would be compiled anew.
"""
FARTHEST = 1e-3
"""Of a score from onnxruntime's, relative to its size (at least 1)."""


def warm_up() -> None:
    """Load what is compiled, or compile it, for every network: a model that is loaded later needs no more."""
    tape, arena, nowhere = np.zeros((0, WIDTH), np.uint64), np.zeros(1, np.float32), np.zeros(9, np.uint64)
    nobody, of_nobody = np.zeros((0, 1), np.float32), np.zeros((0, 1), np.int64)
    see_users(
        tape, arena, (nobody,) * len(FLOATS), (of_nobody,) * len(WHOLE), nowhere, (nobody,) * len(USER_PART),
        nowhere,
    )  # fmt: skip
    score_candidates(
        tape, arena, BLOCK, (nobody,) * len(USER_PART[1:]), nowhere, (nobody,) * TABLES,
        np.zeros((TABLES, 3), np.uint64), np.zeros(0, np.int32), nobody, np.uint64(0), np.zeros(1, np.int64),
        nobody, nowhere,
    )  # fmt: skip


def open_compiled(folder: Path, schema: Schema) -> CompiledParts:
    """The model of which all parts lie in the folder; raises what `CompiledParts` raises."""
    return CompiledParts(folder, open_session(lambda _provider: folder / ITEM_PART), schema)


class CompiledParts(InParts):
    """As `InParts`, from the fp32 files in `folder`; `items`: the item part.

    Raises `ManifestError` where the files do not fit the schema, `UnknownNetworkError` where the network has
    something that no tape does, or where its scores are not those of onnxruntime.
    """

    def __init__(self, folder: Path, items: Opened, schema: Schema) -> None:
        users_file, scores_file = folder / USER_TOWER, folder / RESCORER_FP32
        reference = InParts(
            items,
            open_session(lambda _provider: users_file),
            open_session(lambda _provider: scores_file),
            schema,
        )
        self.schema, self.part = schema, reference.part
        self._items, self._widths = reference._items, reference._widths
        users = compile_graph(folder / USER_TOWER, {"users": 1})
        scores = compile_graph(folder / RESCORER_FP32, {"users": 1, "candidates": BLOCK})
        if (
            tuple(users.inputs) != USER_INPUTS
            or tuple(users.outputs) != USER_PART
            or len(self._widths) >= TABLES
        ):
            raise UnknownNetworkError(f"it has other parts than {', '.join(USER_PART)}, or more of items")
        self._lock = Lock()
        self._user_tape, self._user_arena = users.tape, users.arena
        self._shapes = [place.shape[1:] for place in users.inputs.values()]
        self._takes = _starts(users.inputs, (*FLOATS, *WHOLE))
        self._made = [place.shape[1:] for place in users.outputs.values()]
        self._gives = _starts(users.outputs, tuple(users.outputs))
        self._score_tape, self._score_arena = scores.tape, scores.arena
        self._of_users = _starts(scores.inputs, USER_PART[1:])
        self._of_features = np.uint64(scores.inputs[FEATURES].start)
        self._of_scores = _starts(scores.outputs, schema.tasks)
        self._of_tables = np.zeros((TABLES, 3), np.uint64)
        for row, name in zip(self._of_tables, (TEXTS, *self._widths), strict=False):
            begin, place = self.part if name == TEXTS else 0, scores.inputs[name]
            row[:] = begin, begin + place.shape[-1], place.start
        self._compare(reference)

    @property
    def provider(self) -> str:
        return COMPILED

    @property
    def fell_back(self) -> bool:
        return False

    def see(self, inputs: UserInputs) -> SeenUsers:
        users = len(inputs.history_mask)
        given: list[NDArray[Any]] = list(inputs)
        if [each.shape for each in given] != [(users, *shape) for shape in self._shapes]:
            raise self._misfit(given, users)
        if [each.dtype for each in given] != KINDS:
            raise self._misfit(given, users)
        rows = [_plain(each).reshape(users, -1) for each in given]
        made = [np.empty((users, *shape), np.float32) for shape in self._made]
        with self._lock:
            see_users(
                self._user_tape, self._user_arena, _floats(rows), _wholes(rows), self._takes,
                tuple([each.reshape(users, -1) for each in made]), self._gives,
            )  # fmt: skip
        return SeenUsers(made[0], dict(zip(USER_PART[1:], made[1:], strict=True)))

    def _misfit(self, given: Sequence[NDArray[Any]], users: int) -> ModelError:
        """Says which of these inputs the model does not read."""
        for name, each, shape, kind in zip(USER_INPUTS, given, self._shapes, KINDS, strict=True):
            if each.shape != (users, *shape) or each.dtype != kind:
                return ModelError(
                    f"the model did not run on {name} {each.dtype}{list(each.shape)}: it reads "
                    f"{kind}{[users, *shape]}"
                )
        raise AssertionError("expected an input that does not fit, got none")

    def rescore(self, seen: SeenUsers, items: ItemTables, asked: Candidates) -> Scores:
        features = _plain(asked.features)
        if features.shape[1] != len(self.schema.candidate_features) or features.dtype != np.float32:
            raise ModelError(
                f"the model did not run on {FEATURES} {features.dtype}{list(features.shape)}: it reads "
                f"{len(self.schema.candidate_features)} float32 of a candidate"
            )
        users = tuple([_plain(seen.parts[name]).reshape(len(seen), -1) for name in USER_PART[1:]])
        tables = [_plain(each) for each in (items.vectors, *[items.tables[name] for name in self._widths])]
        tables += tables[:1] * (TABLES - len(tables))
        offsets = np.asarray(asked.offsets, np.int64)
        scores = np.empty((len(self._of_scores), len(asked.rows)), np.float32)
        with self._lock:
            score_candidates(
                self._score_tape, self._score_arena, BLOCK, users, self._of_users, tuple(tables),
                self._of_tables, _plain(asked.rows), features, self._of_features, offsets, scores,
                self._of_scores,
            )  # fmt: skip
        click, rating, *more = scores
        return Scores(click, rating, tuple(more))

    def _compare(self, reference: InParts) -> None:
        """Both on inputs by chance: a processor's own compiler has made this code."""
        inputs = random_inputs(self.schema, 2, BLOCK + 3)
        wanted, found = reference.score(inputs), self.score(inputs)
        pairs = [(reference.vectors(inputs.of_users), self.vectors(inputs.of_users))]
        pairs += zip((*wanted[:2], *wanted.more), (*found[:2], *found.more), strict=True)
        farthest = max(float(np.max(np.abs(a - b) / np.maximum(np.abs(a), 1.0))) for a, b in pairs)
        if not farthest <= FARTHEST:
            raise UnknownNetworkError(
                f"it differs from onnxruntime by {farthest:.3g}, at most {FARTHEST:g} is allowed"
            )


def _starts(places: Mapping[str, Place], names: Sequence[str]) -> Places:
    return np.array([places[name].start for name in names], np.uint64)


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """The array as compiled code knows it: of one that lies otherwise, or may not be written, a copy."""
    return array if array.flags.carray else array.copy()
