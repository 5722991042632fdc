"""Marks where the loss of a level changes, by river's detectors. They are for charts, metrics and people: the
mixture decides.

A detector's state can't be packed as data, but it follows from the losses that it was given. So the latest
losses are kept, and whenever `BLOCK` more have come, the detectors begin anew on the last `BLOCK`: a detector
that was restored stands where it stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import SettingsError

F64 = NDArray[np.float64]
BLOCK = 512
MARKS_KEPT = 64


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
    if not names:
        return []
    drift, base = import_module("river.drift"), import_module("river.base")
    made = []
    for name in names:
        kind = getattr(drift, name, None)
        if not (isinstance(kind, type) and issubclass(kind, base.DriftDetector)):
            known = [each for each in drift.__all__ if each not in ("binary", "datasets")]
            raise SettingsError(
                f"reweighting.drift names {name!r}; expected some of river's detectors: {', '.join(known)}"
            )
        made.append(_made(kind, name))
    return made


def _made(kind: type, name: str) -> Any:
    try:
        kind().update(0.0)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"reweighting.drift: {name!r} does not watch a number as it is: {error}"
        ) from None
    return kind()
