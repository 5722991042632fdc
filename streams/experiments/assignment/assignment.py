"""Which arms make a user's slate: those of all experiments that run, one of each layer at most."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from streams.experiments.assignment.arm_text import (
    Served,
    declared_arm,
    period_arm,
    replaced,
    served_by,
    text_of,
)
from streams.experiments.assignment.kernel import NOBODY, draw
from streams.experiments.assignment.traits import Gate, gate_of, session_of
from streams.experiments.measured import state_key
from streams.experiments.registry.state import Experiment, Registry
from streams.state.user_state import EMPTY, UserState

DEFAULT = "default"
REMEMBERED = 65_536
"""Users whose draws are at hand: some 10 MiB at most."""


class ArmEntry(NamedTuple):
    """What an arm's number means. `text`: of it alone. `gate`: which slates it takes; None for all. `kept`:
    where the weights of its experiment move, what names that in a user's state; b"" else.
    """

    text: str
    served: Served
    gate: Gate | None
    kept: bytes


class ArmAlternatives(NamedTuple):
    """`served`: an arm as it stands in the text of a slate; `others`: that text with each other arm."""

    served: str
    others: list[str]


class Assignment:
    """Users' arms under a registry; `without`: experiments that this process can't serve. Use it in one
    thread at a time. `salt` names the deployment, whose users are drawn by themselves.
    """

    def __init__(self, registry: Registry, without: Collection[str] = (), salt: str = "") -> None:
        self.running = {name: each for name, each in registry.running() if name not in without}
        layers = sorted({each.declared.layer_of(name) for name, each in self.running.items()})
        self._by_session = any(each.declared.unit == "session" for each in self.running.values())
        self._drawn: list[ArmEntry] = []
        self._testers: dict[str, dict[int, Served]] = {}
        salts = [salt_of(salt, "layer", layer) for layer in layers]
        slices, arms_from, weights = [], [0], []
        for number, (name, each) in enumerate(self.running.items()):
            settings, layer = each.declared, layers.index(each.declared.layer_of(name))
            key, gate = each.key(name), gate_of(settings)
            kept = state_key(key, each.begins_ms) if settings.adapts else b""
            for arm, weight in each.weights.items():
                served = _served(each, key, period_arm(arm, each.phase) if kept else arm)
                self._drawn.append(ArmEntry(served.text, served, gate, kept))
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
        self._of_user: dict[str, tuple[int, ...]] = {}
        self._same: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._triggers = {
            each.key(name): (state_key(each.key(name), each.begins_ms), each.in_force)
            for name, each in self.running.items()
            if each.declared.trigger == "slate"
        }

    def arms(self, user: str, state: UserState = EMPTY, now_ms: int = 0, surface: str = "feed") -> str:
        """The text of the arms of a slate that is asked for at `now_ms`; `DEFAULT` where there are none.

        state: what is known of the user by then, with their profile.
        """
        if not self.running:
            return DEFAULT
        if self._testers and user in self._testers:
            return self._of_tester(user, state, now_ms, surface)
        texts = []
        for arm in self._numbers(user, state, now_ms):
            if arm != NOBODY:
                text, served, gate, kept = self._drawn[arm]
                if gate is None or gate.takes(state, now_ms, surface):
                    texts.append(self._kept(served, kept, state) if kept else text)
        texts.sort()  # as `text_of` does
        return ",".join(texts) or DEFAULT

    def to_compare(self, text: str, state: UserState) -> list[ArmAlternatives]:
        """Of the experiments in the text of a slate, those that count a user only once their slate differs
        from what another arm would have shown. Who was exposed already counts: their slates are compared no
        more.
        """
        if not self._triggers:
            return []
        found = []
        for each in served_by(text):
            key, arms = self._triggers.get(each.key, (b"", []))
            if key and each.counts and all(exposure.key != key for exposure in state.sums.exposures):
                own = declared_arm(each.arm)
                others = [each._replace(arm=each.arm.replace(own, arm, 1)).text for arm in arms if arm != own]
                found.append(
                    ArmAlternatives(each.text, [replaced(text, each.text, other) for other in others])
                )
        return found

    def _kept(self, served: Served, kept: bytes, state: UserState) -> str:
        """The arm that a user was first shown, in the period in which that was; else the one drawn."""
        for exposure in state.sums.exposures:
            if exposure.key == kept:
                experiment = self.running[served.key]
                if declared_arm(exposure.arm) in experiment.declared.arms:
                    return _served(experiment, served.key, exposure.arm).text
        return served.text

    def _numbers(self, user: str, state: UserState, now_ms: int) -> Sequence[int]:
        """The numbers of the arms that a user is drawn to. Who comes back is not drawn anew."""
        if self._by_session:
            return self._draw(user, state, now_ms).tolist()
        drawn = self._of_user.get(user)
        if drawn is None:
            if len(self._of_user) >= REMEMBERED:
                self._of_user.clear()
                self._same.clear()
            drawn = tuple(arm for arm in self._draw(user, state, now_ms).tolist() if arm != NOBODY)
            self._of_user[user] = self._same.setdefault(drawn, drawn)
        return drawn

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


def _served(experiment: Experiment, key: str, arm: str) -> Served:
    """What users of an arm get: what control makes, where it is stopped."""
    if declared_arm(arm) in experiment.stopped_arms:
        return Served(key, experiment.declared.control, counts=False)
    return Served(key, arm)


def _open(drawn: ArmEntry, state: UserState, now_ms: int, surface: str) -> bool:
    return drawn.gate is None or drawn.gate.takes(state, now_ms, surface)


def hash_of(unit: str) -> int:
    """The 64-bit hash of a user's or session's name, signed."""
    return int.from_bytes(hashlib.blake2b(unit.encode(), digest_size=8).digest(), "little", signed=True)


def salt_of(*parts: str) -> int:
    """A salt, unsigned: the hash of its parts."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest(), "little")
