"""The experiments of a deployment and their states, as they are stored."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from model.errors import ExperimentError, StoreError
from streams.experiments.assignment.arm_text import key_of
from streams.experiments.assignment.slots import Slices
from streams.experiments.declared.experiment import ExperimentSettings
from streams.state.stored_format import check_version

VERSION = 1
State = Literal["declared", "running", "stopped", "shipped"]


class Phase(msgspec.Struct, frozen=True):
    """From `since_ms` on these were the arms, with these weights. `number`: from 1."""

    number: int
    since_ms: int
    weights: dict[str, float]


class Experiment(msgspec.Struct, frozen=True):
    """`changed_ms`: when the state became what it is. `phases`: the last one is in force. `slices`: the slots
    of its layer that are its own, each from the first to the one behind the last. `stopped_arms`: their users
    get what control makes, the last of them since `arm_stopped_ms`. `winner`: the arm that is shipped.
    `weighed_ms`: when the weights of an adaptive experiment were last looked at. Its phases are the periods
    of one reading; those of others are read each by itself.
    """

    declared: ExperimentSettings
    state: State = "declared"
    changed_ms: int = 0
    phases: tuple[Phase, ...] = ()
    slices: Slices = ()
    stopped_arms: tuple[str, ...] = ()
    arm_stopped_ms: int = 0
    winner: str = ""
    weighed_ms: int = 0

    @property
    def ended(self) -> bool:
        """Whether nobody is drawn to it any more."""
        return self.state in ("stopped", "shipped")

    @property
    def phase(self) -> int:
        """The number of the phase that is in force, or will be first."""
        return self.phases[-1].number if self.phases else 1

    @property
    def weights(self) -> dict[str, float]:
        """Of each arm, in the phase that is in force, or as declared."""
        return self.phases[-1].weights if self.phases else self.declared.weights

    @property
    def begun(self) -> Iterator[tuple[int, int]]:
        """What is read, by the number of its phase, and when each began to count (ms): the phases, but of an
        adaptive experiment only the first, since it is read as a whole.
        """
        phases = self.phases[:1] if self.declared.adapts else self.phases
        return ((phase.number, max(phase.since_ms, self.declared.starts_ms)) for phase in phases)

    @property
    def chances(self) -> dict[str, float]:
        """Of a user to get each arm that is drawn, in the phase that is in force."""
        whole = sum(self.weights.values())
        return {arm: weight / whole for arm, weight in self.weights.items()}

    def key(self, name: str) -> str:
        """What slates name it by now, and its sums."""
        return name if self.declared.adapts else key_of(name, self.phase)

    @property
    def begins_ms(self) -> int:
        """From when on what is read counts: of an adaptive experiment all phases, of others the last one."""
        if not self.phases:
            return -1
        return max(self.phases[0 if self.declared.adapts else -1].since_ms, self.declared.starts_ms)

    @property
    def in_force(self) -> list[str]:
        """Its arms that are not stopped."""
        return [arm for arm in self.declared.arms if arm not in self.stopped_arms]

    def standing(self, now_ms: int) -> str:
        """Its state in a word or two, as of a time."""
        if self.state != "running":
            return f"shipped {self.winner}" if self.winner and self.state == "shipped" else self.state
        if now_ms < self.declared.starts_ms:
            return "waiting"
        return "over" if now_ms >= self.declared.ends_ms else "running"


class RemovedExperiment(msgspec.Struct, frozen=True):
    """What is left of an experiment that was removed. `begun`: of its phases by their keys, when each began
    (ms): users' states drop what they hold of these.
    """

    begun: dict[str, int]


class Registry(msgspec.Struct, frozen=True):
    """All of them, by name. `removed`: those that are known by name alone. `entries` and `head`: how many
    changes there were, and the digest of the last one in the audit log.
    """

    experiments: dict[str, Experiment] = {}
    entries: int = 0
    head: str = ""
    v: int = VERSION
    removed: dict[str, RemovedExperiment] = {}

    def running(self) -> Iterator[tuple[str, Experiment]]:
        """Those to which users are drawn, in the order of their names."""
        found = sorted(self.experiments.items())
        return ((name, each) for name, each in found if each.state == "running")

    def shipped(self) -> list[tuple[str, Experiment]]:
        """Those whose winner everybody gets, in the order in which they were shipped."""
        found = [(name, each) for name, each in self.experiments.items() if each.state == "shipped"]
        return sorted(found, key=lambda pair: (pair[1].changed_ms, pair[0]))

    def layer(self, layer: str, but: str = "") -> list[tuple[str, Experiment]]:
        """Those of a layer that have not ended, but for the one of that name."""
        return [
            (name, each)
            for name, each in sorted(self.experiments.items())
            if not each.ended and name != but and each.declared.layer_of(name) == layer
        ]


NONE = Registry()
_sorted = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Registry)


def encode(registry: Registry) -> bytes:
    """The registry as it is stored: JSON, with its keys in order."""
    return _sorted.encode(registry)


def decode(raw: bytes | None) -> Registry:
    """What `encode` of this build or of a former one wrote; raises `StoreError`."""
    if raw is None:
        return NONE
    try:
        registry = _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise StoreError(f"experiments of {len(raw)} bytes can't be read: {error}") from None
    check_version("experiments", registry.v, VERSION)
    for name, each in registry.experiments.items():
        if not _sound(each):
            raise StoreError(f"experiment {name!r} can't be {each.state} as it is stored: it was changed")
    return registry


def _sound(experiment: Experiment) -> bool:
    """Whether what is stored fits together, as far as slates are made by it."""
    arms = experiment.declared.arms
    drawn = {*arms, *experiment.declared.weights}
    weights = [phase.weights for phase in experiment.phases]
    named = {arm for each in weights for arm in each} | {
        *experiment.stopped_arms,
        experiment.declared.control,
    }
    fits = named <= drawn and all(0 < weight < math.inf for each in weights for weight in each.values())
    if experiment.state == "shipped":
        return fits and experiment.winner in arms
    return fits and (experiment.state != "running" or (all(weights) and bool(weights)))


def digest(registry: Registry) -> str:
    """Names what the experiments are, without the log."""
    said = (registry.experiments, registry.removed) if registry.removed else registry.experiments
    return hashlib.sha256(_sorted.encode(said)).hexdigest()


def find(registry: Registry, name: str) -> Experiment:
    """The experiment of that name; raises `ExperimentError`."""
    if name in registry.removed:
        raise ExperimentError("removed", f"experiment {name!r} was removed; its log is kept: see `audit`")
    if name not in registry.experiments:
        there = ", ".join(sorted(registry.experiments)) or "none"
        raise ExperimentError(
            "unknown", f"experiment {name!r} is not declared; expected one of {there}: declare it first"
        )
    return registry.experiments[name]
