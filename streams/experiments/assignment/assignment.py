"""Which arms make a user's slate: those of all experiments that run, one of each layer at most."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from streams.experiments.assignment.arm_text import Served, text_of
from streams.experiments.assignment.kernel import NOBODY, draw
from streams.experiments.assignment.traits import Gate, gate_of, session_of
from streams.experiments.registry.state import Registry
from streams.state.user_state import EMPTY, UserState

DEFAULT = "default"


class Drawn(NamedTuple):
    """What an arm's number means. `text`: of it alone. `gate`: which slates it takes; None for all."""

    text: str
    served: Served
    gate: Gate | None


class Assignment:
    """Users' arms under a registry; `without`: experiments that this process can't serve. Use it in one
    thread at a time. `salt` names the deployment, whose users are drawn by themselves.
    """

    def __init__(self, registry: Registry, without: Collection[str] = (), salt: str = "") -> None:
        self.running = {name: each for name, each in registry.running() if name not in without}
        layers = sorted({each.declared.layer_of(name) for name, each in self.running.items()})
        self._by_session = any(each.declared.unit == "session" for each in self.running.values())
        self._drawn: list[Drawn] = []
        self._testers: dict[str, dict[int, Served]] = {}
        salts = [salt_of(salt, "layer", layer) for layer in layers]
        slices, arms_from, weights = [], [0], []
        for number, (name, each) in enumerate(self.running.items()):
            settings, layer = each.declared, layers.index(each.declared.layer_of(name))
            key, gate = each.key(name), gate_of(settings)
            for arm, weight in each.weights.items():
                stopped = arm in each.stopped_arms
                served = Served(key, settings.control if stopped else arm, not stopped)
                self._drawn.append(Drawn(served.text, served, gate))
                weights.append(weight)
                salts.append(salt_of(salt, "arm", name, arm))
            arms_from.append(len(self._drawn))
            by_session = int(settings.unit == "session")
            slices += [(layer, by_session, first, behind, number) for first, behind in each.slices]
            for user, arm in settings.testers.items():
                self._testers.setdefault(user, {})[layer] = Served(key, arm, counts=False)
        self._salts = np.array(salts, np.uint64)
        self._slices = np.array(sorted(slices), np.int32).reshape(-1, 5)
        self._arms_from, self._weights = np.array(arms_from, np.int32), np.array(weights, np.float64)
        self._into = np.empty(len(layers), np.int32)

    def arms(self, user: str, state: UserState = EMPTY, now_ms: int = 0, surface: str = "feed") -> str:
        """The text of the arms of a slate that is asked for at `now_ms`; `DEFAULT` where there are none.

        state: what is known of the user by then, with their profile.
        """
        if not self.running:
            return DEFAULT
        if self._testers and user in self._testers:
            return self._of_tester(user, state, now_ms, surface)
        texts = []
        for arm in self._draw(user, state, now_ms).tolist():
            if arm != NOBODY:
                text, _, gate = self._drawn[arm]
                if gate is None or gate.takes(state, now_ms, surface):
                    texts.append(text)
        texts.sort()  # as `text_of` does
        return ",".join(texts) or DEFAULT

    def _draw(self, user: str, state: UserState, now_ms: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        unit = hash_of(user)
        session = unit
        if self._by_session and (began := session_of(state, now_ms)):
            session = hash_of(f"{user}\0{began}")
        draw(unit, session, self._salts, self._slices, self._arms_from, self._weights, self._into)
        return self._into

    def _of_tester(self, user: str, state: UserState, now_ms: int, surface: str) -> str:
        """A tester has the arms that they test; in layers without one, what they are drawn to, which does not
        count either.
        """
        tested = self._testers[user]
        served = [*tested.values()]
        for layer, arm in enumerate(self._draw(user, state, now_ms).tolist()):
            if arm != NOBODY and layer not in tested and _open(self._drawn[arm], state, now_ms, surface):
                served.append(self._drawn[arm].served._replace(counts=False))
        return text_of(served, DEFAULT)


def _open(drawn: Drawn, state: UserState, now_ms: int, surface: str) -> bool:
    return drawn.gate is None or drawn.gate.takes(state, now_ms, surface)


def hash_of(unit: str) -> int:
    """The 64-bit hash of a user's or session's name, signed."""
    return int.from_bytes(hashlib.blake2b(unit.encode(), digest_size=8).digest(), "little", signed=True)


def salt_of(*parts: str) -> int:
    """A salt, unsigned: the hash of its parts."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest(), "little")
