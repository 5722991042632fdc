"""Lets a killed training go on where it was: it keeps the whole state on disk, whole or not at all.

FOLDER/state-EPOCH-WINDOW-BATCH/tensors.safetensors   network, objective and the optimizer's moments
FOLDER/state-EPOCH-WINDOW-BATCH/facts.json            where the training stood, and which training it is

The state holds no random generator: all draws depend only on the seed and the place of the batch
(`model.train`). So a training that goes on ends in the same weights, bit for bit, as one without an
interruption (on a machine that computes alike).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn, optim

from model.errors import DataError
from model.plan import NetworkPlan, TrainPlan
from model.schema import Schema
from model.tasks import Task

TENSORS, FACTS = "tensors.safetensors", "facts.json"
STATE, UNFINISHED = "state-", ".writing-"
KEPT = 2
EVERY_S = 60.0
VERSION = 1


class Position(msgspec.Struct, frozen=True):
    """Behind `batch` batches of window `window` of epoch `epoch`, after `done` examples in all."""

    epoch: int = 0
    window: int = 0
    batch: int = 0
    done: int = 0


class Training(msgspec.Struct, frozen=True):
    """The facts that must be the same for a training to go on; `vocabulary` and `examples` are digests."""

    network: NetworkPlan
    plan: TrainPlan
    layout: Schema
    tasks: dict[str, Task]
    vocabulary: str
    examples: str


class Parts(NamedTuple):
    """The parts that a training changes."""

    net: nn.Module
    objective: nn.Module
    optimizer: optim.Optimizer


class _Facts(msgspec.Struct):
    position: Position
    training: Training
    version: int = VERSION


class Savepoints:
    """The states of one training in `folder`; a new one is due every `every_s` seconds, the last two stay."""

    def __init__(
        self, folder: Path, every_s: float = EVERY_S, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.every_s, self._now_s = folder, every_s, now_s
        self._saved_s = now_s()

    def due(self) -> bool:
        """Whether the last state is old enough for the next."""
        return self._now_s() - self._saved_s >= self.every_s

    def save(self, position: Position, training: Training, parts: Parts) -> None:
        """Write the current state aside, rename it, and delete all states but the last two."""
        name = f"{STATE}{position.epoch:06}-{position.window:06}-{position.batch:08}"
        if not (self.folder / name).exists():
            staging = self.folder / f"{UNFINISHED}{name}"
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(parents=True)
            save_file(_tensors(parts), staging / TENSORS)
            (staging / FACTS).write_bytes(msgspec.json.encode(_Facts(position, training)))
            for each in (staging / TENSORS, staging / FACTS, staging):
                _flush(each)
            staging.rename(self.folder / name)
            _flush(self.folder)
        for each in self._states()[:-KEPT]:
            shutil.rmtree(each, ignore_errors=True)
        self._saved_s = self._now_s()

    def load(self, training: Training, parts: Parts) -> Position:
        """Put the newest readable state into `parts`; returns its position, or the beginning without one.

        `DataError` if the folder holds another training, or no readable state.
        """
        states = self._states()
        unread = ""
        for folder in reversed(states):
            try:
                facts = msgspec.json.decode((folder / FACTS).read_bytes(), type=_Facts)
                tensors = load_file(folder / TENSORS)
            except (OSError, ValueError, SafetensorError) as error:
                unread = f"{folder}: {error}"
                continue
            _check(folder, facts, training)
            _put(folder, tensors, parts)
            return facts.position
        if states:
            raise DataError(
                f"no state of a training can be read ({unread}); delete {self.folder} to begin anew"
            )
        return Position()

    def _states(self) -> list[Path]:
        """The folders of the states, oldest first."""
        return sorted(self.folder.glob(f"{STATE}*"))


def _tensors(parts: Parts) -> dict[str, Tensor]:
    tensors = {f"net.{name}": each for name, each in parts.net.state_dict().items()}
    tensors |= {f"objective.{name}": each for name, each in parts.objective.state_dict().items()}
    for number, state in parts.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": each for name, each in state.items()}
    return {name: each.detach().cpu().contiguous() for name, each in tensors.items()}


def _put(folder: Path, tensors: Mapping[str, Tensor], parts: Parts) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, each in _under(tensors, "optimizer.").items():
        number, _, moment = name.partition(".")
        moments.setdefault(int(number), {})[moment] = each
    try:
        parts.net.load_state_dict(_under(tensors, "net."))
        parts.objective.load_state_dict(_under(tensors, "objective."))
        groups = parts.optimizer.state_dict()["param_groups"]
        parts.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    except (RuntimeError, ValueError, KeyError) as error:
        raise DataError(f"{folder} does not fit the network of this build ({error}); begin anew") from None


def _under(tensors: Mapping[str, Tensor], lead: str) -> dict[str, Tensor]:
    return {name.removeprefix(lead): each for name, each in tensors.items() if name.startswith(lead)}


def _check(folder: Path, facts: _Facts, training: Training) -> None:
    if facts.version != VERSION:
        raise DataError(f"{folder} is of version {facts.version}; this build reads {VERSION}: begin anew")
    for name in Training.__struct_fields__:
        there, here = getattr(facts.training, name), getattr(training, name)
        if there != here:
            raise DataError(
                f"{folder} belongs to another training: its {name} is {_differing(there, here)}; "
                "use the values of its beginning, or another folder to begin anew"
            )


def _differing(there: object, here: object) -> str:
    """The two values; of structs only the fields that differ."""
    if isinstance(there, msgspec.Struct) and isinstance(here, msgspec.Struct):
        both = ((name, getattr(there, name), getattr(here, name)) for name in there.__struct_fields__)
        return ", ".join(f"{name} = {old!r} and here {new!r}" for name, old, new in both if old != new)
    return f"{there!r} and here {here!r}"


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
