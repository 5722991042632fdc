"""Marks where the loss of a level changes, by river's detectors. They are for charts, metrics and people: the
mixture decides.

A detector's state can't be packed as data, but it follows from the losses that it was given. So the latest
losses are kept, and whenever `BLOCK` more have come, the detectors begin anew on the last `BLOCK`: a detector
that was restored stands where it stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from model.errors import SettingsError

F64 = NDArray[np.float64]
BLOCK = 512
MARKS_KEPT = 64
LIGHT = {"ADWIN": "adwin", "PageHinkley": "page_hinkley"}
"""Detectors that need nothing of the rest of river, and their files."""


class Mark(NamedTuple):
    """A detector saw a change at this lesson of the level."""

    detector: str
    lesson: int


class DriftWatch:
    """The detectors of one level. `names`: of river's, as in "ADWIN"; `SettingsError` for another."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.losses: F64 = np.zeros(2 * BLOCK)
        self.held: F64 = np.zeros(2)  # losses, and marks ever
        self.marks: F64 = np.zeros((MARKS_KEPT, 2))  # detector, lesson
        self._detectors = detectors(names)

    def watch(self, loss: float, lesson: int) -> None:
        """Take the loss of one lesson."""
        if not self.names:
            return
        if self.held[0] == len(self.losses):
            self.losses[:BLOCK] = self.losses[BLOCK:]
            self.losses[BLOCK:] = 0.0
            self.held[0] = BLOCK
            self.resume()
        self.losses[int(self.held[0])] = loss
        self.held[0] += 1
        for at, detector in enumerate(self._detectors):
            detector.update(loss)
            if detector.drift_detected:
                self.marks[int(self.held[1]) % MARKS_KEPT] = at, lesson
                self.held[1] += 1

    def resume(self) -> None:
        """Bring the detectors to where the losses have brought them."""
        self._detectors = detectors(self.names)
        for loss in self.losses[: int(self.held[0])].tolist():
            for detector in self._detectors:
                detector.update(loss)

    def report(self) -> tuple[Mark, ...]:
        """The latest marks, oldest first."""
        ever = int(self.held[1])
        kept = (self.marks[at % MARKS_KEPT].tolist() for at in range(max(0, ever - MARKS_KEPT), ever))
        return tuple(Mark(self.names[int(detector)], int(lesson)) for detector, lesson in kept)


def detectors(names: Sequence[str]) -> list[Any]:
    """Detectors of river's, by their names; river is imported where there is one."""
    return [_made(_kind(name), name) for name in names]


def _kind(name: str) -> type:
    """The class of that name. `river.drift` imports pandas and scikit-learn (130 MiB, 2 s), which no detector
    needs: the two usual ones are loaded from its files by themselves.
    """
    if name in LIGHT:
        module = _alone(LIGHT[name])
        if module is not None:
            return cast("type", getattr(module, name))
    drift, base = import_module("river.drift"), import_module("river.base")
    kind = getattr(drift, name, None)
    if isinstance(kind, type) and issubclass(kind, base.DriftDetector):
        return kind
    known = [each for each in drift.__all__ if each not in ("binary", "datasets")]
    raise SettingsError(
        f"reweighting.drift names {name!r}; expected some of river's detectors: {', '.join(known)}"
    )


@cache
def _alone(name: str) -> ModuleType | None:
    """A module of `river.drift` without the others; None where river has no such file."""
    package = find_spec("river")
    folder = Path((package.submodule_search_locations or [""])[0] if package else "")
    spec = spec_from_file_location(f"headrace_river_{name}", folder / "drift" / f"{name}.py")
    if spec is None or spec.loader is None or not Path(spec.origin or "").is_file():
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _made(kind: type, name: str) -> Any:
    try:
        kind().update(0.0)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"reweighting.drift: {name!r} does not watch a number as it is: {error}"
        ) from None
    return kind()
