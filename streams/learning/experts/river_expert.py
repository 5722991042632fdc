"""A classifier of river's as one more expert.

It learns of each place whether it was chosen, and says how likely that is; the logarithm of the odds is its
score of a place. It works one place at a time, through dictionaries, so it costs some hundred microseconds
where a linear expert costs one.

Its state is packed as data (`state_as_data`). A classifier for which that is not enough is refused.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import SettingsError, StoreError
from streams.learning.experts.state_as_data import put_state, state_of

F64 = NDArray[np.float64]
ODDS_MAX = 30.0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, Any])


class RiverExpert:
    """path: as in "linear_model.LogisticRegression". signals: their names. `SettingsError` for a path that
    names no classifier of river's, or one whose state is no data.
    """

    def __init__(self, path: str, signals: Sequence[str]) -> None:
        self.path, self.signals = path, tuple(signals)
        self.model = _made(path)
        self._weighs = "w" in inspect.signature(self.model.learn_one).parameters

    def scores(self, x: F64) -> F64:
        """[n] of the places or candidates x [n, K]: the logarithm of the odds that each is chosen."""
        out = np.zeros(len(x))
        for i, values in enumerate(self._named(x)):
            chance = self.model.predict_proba_one(values).get(True, 0.5)
            chance = min(max(chance, 1e-13), 1 - 1e-13) if math.isfinite(chance) else 0.5
            out[i] = math.log(chance / (1 - chance))
        return out

    def learn(self, x: F64, chosen: NDArray[np.bool_], seen: F64) -> None:
        """Take the places of one slate, which of them were `chosen`, and how likely the others were seen."""
        for values, was, weight in zip(self._named(x), chosen.tolist(), seen.tolist(), strict=True):
            if self._weighs:
                self.model.learn_one(values, was, w=1.0 if was else weight)
            else:
                self.model.learn_one(values, was)

    def _named(self, x: F64) -> Iterator[dict[str, float]]:
        for values in x.tolist():
            yield dict(zip(self.signals, values, strict=True))

    def pack(self) -> bytes:
        """Its state."""
        return _encoder.encode(state_of(self.model, self.path))

    def restore(self, raw: bytes) -> None:
        """Take what `pack` packed, or raise `StoreError`."""
        try:
            state = _decoder.decode(raw)
            model = _made(self.path, probe=False)
            put_state(model, state)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"river expert {self.path} can't be read: {error}") from None
        self.model = model


def _made(path: str, probe: bool = True) -> Any:
    """A new classifier. With `probe`, it is tried whether its state is data."""
    where, _, name = path.rpartition(".")
    try:
        kind = getattr(import_module(f"river.{where}"), name)
        base = import_module("river.base")
        if not (isinstance(kind, type) and issubclass(kind, base.Classifier)):
            raise TypeError("it is no classifier")
        model = kind(**({"seed": 1} if "seed" in inspect.signature(kind).parameters else {}))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SettingsError(
            f"reweighting.experts names 'river:{path}': {error}; expected a classifier of river's that needs"
            " no arguments, as in 'river:linear_model.LogisticRegression'"
        ) from None
    if probe:
        _probe(path, model, _made(path, probe=False))
        return _made(path, probe=False)
    return model


def _probe(path: str, taught: Any, again: Any) -> None:
    """Refuse a classifier that is another one after its state was put into a new one."""
    draws = np.random.default_rng(0)
    stream = [({"a": float(a), "b": float(b)}, bool(a > b)) for a, b in draws.normal(size=(400, 2))]
    try:
        for values, was in stream[:300]:
            taught.learn_one(values, was)
        put_state(again, _decoder.decode(_encoder.encode(state_of(taught, path))))
        for values, was in stream[300:]:
            if taught.predict_proba_one(values) != again.predict_proba_one(values):
                raise ValueError("it is not the same after its state was packed")
            taught.learn_one(values, was)
            again.learn_one(values, was)
    except (LookupError, TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise SettingsError(
            f"reweighting.experts names 'river:{path}', whose state can't be kept as data: {error}; choose"
            " one of river's linear models"
        ) from None
