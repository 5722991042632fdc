"""The plan and the model of each arm: those that the settings declare, and what experiments make of them.

A user is in one arm of each layer, so there may be many combinations of arms. Their plans are made when a
user first has one. Arms that come to the same settings share one plan: their slates go through the stages
together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec

from model.errors import SettingsError
from streams.experiments.assignment.arm_text import declared_arm, name_of, served_by
from streams.experiments.assignment.assignment import Assignment
from streams.experiments.declared.experiment import ExperimentArm, ExperimentSettings
from streams.experiments.declared.refusal import DeclarationError, Path, unknown
from streams.experiments.registry.state import NONE, Registry
from streams.ranking.degradation import RUNGS, Rung, lowered
from streams.ranking.request import Opponent
from streams.ranking.stage_plan import StagePlan, stage_plan
from streams.settings.experiments import check_stages
from streams.settings.stages import StageSettings, merge
from streams.settings.tree import DEFAULT_ARM, Settings

COMBINATIONS_MAX = 16_384
"""So many combinations of arms, on a rung each, have their plans at hand."""


StageKey = tuple[int, ...]
"""The sections of stage settings, each by the one object that has its values."""


class ArmPlan(NamedTuple):
    """How slates of an arm are made. `model`: "" for the active one. `against`: the other way, of slates that
    are interleaved.
    """

    plan: StagePlan
    model: str
    against: Opponent | None = None


class ArmPlans:
    """`declared`: the plans of the settings, by arm and rung. `assignment`: who gets which arms of
    experiments. Raises `SettingsError` where an arm of the settings asks for what is not there.
    """

    def __init__(self, settings: Settings, sources: Collection[str]) -> None:
        self.settings, self._sources = settings, list(sources)
        self._meanings = settings.meanings
        self.declared: dict[tuple[str, Rung], StagePlan] = {}
        for arm in (DEFAULT_ARM, *settings.arms):
            where = "settings" if arm == DEFAULT_ARM else f"settings: arms.{arm}.stages"
            for rung in RUNGS:
                self.declared[arm, rung] = self._plan(settings.stages_of(arm), rung, where)
        self.registry, self.without = NONE, frozenset[str]()
        self.run(NONE)

    def run(self, registry: Registry, without: Collection[str] = ()) -> None:
        """Go by this registry from now on, but for the experiments `without`, which can't be served yet."""
        self.registry, self.without = registry, frozenset(without)
        self.assignment = Assignment(registry, without, self.settings.namespace)
        self._made: dict[tuple[str, Rung], ArmPlan] = {}
        self._shared: dict[tuple[StageKey, Rung], StagePlan] = {}
        self._sections: dict[tuple[str, ...], msgspec.Struct] = {}
        self._same: dict[bytes, msgspec.Struct] = {}
        self._base, self._model = dict[str, Any](), ""
        for name, each in registry.shipped():
            if name not in without:
                merge(self._base, deepcopy(each.declared.arms[each.winner].stages))
                self._model = each.declared.arms[each.winner].model or self._model
        shipped = self.settings.stages_with(self._base, "what is shipped")
        ones = {name: self._one(section) for name, section in msgspec.structs.asdict(shipped).items()}
        self._default = msgspec.structs.replace(shipped, **ones)
        for (arm, rung), plan in self.declared.items():
            if arm != DEFAULT_ARM:
                self._made[arm, rung] = ArmPlan(plan, self.settings.model_of(arm))
            elif not self._base:
                self._made[arm, rung] = ArmPlan(plan, self._model)
                self._shared[self._key(self._default), rung] = plan

    def of(self, arm: str, rung: Rung) -> ArmPlan:
        """How slates of an arm are made on a rung: an arm of the settings, or what `assignment` says of a
        user. Raises `SettingsError` for an arm that is not there.
        """
        made = self._made.get((arm, rung))
        if made is None:
            if len(self._made) >= COMBINATIONS_MAX:
                self.run(self.registry, self.without)
            made = self._made[arm, rung] = self._combined(arm, rung)
        return made

    def _combined(self, arm: str, rung: Rung) -> ArmPlan:
        served = served_by(arm)
        first, second, interleaved = dict[str, ExperimentArm](), dict[str, ExperimentArm](), False
        if not served and arm != DEFAULT_ARM:
            self.settings.stages_of(arm)  # says which arms there are
        for each in served:
            experiment = self.assignment.running.get(name_of(each.key))
            sides = () if experiment is None else experiment.declared.sides(declared_arm(each.arm))
            if experiment is None or not sides:
                raise SettingsError(
                    f"arm {arm!r}: {each.text} is no arm of what runs; see `headrace experiments list`"
                )
            for arms, side in zip((first, second), (sides[0], sides[-1]), strict=True):
                arms[f"{each.key}={side}"] = experiment.declared.arms[side]
            interleaved |= len(sides) > 1
        made = self._made_by(first, rung, arm, interleaved)
        if interleaved:
            other = self._made_by(second, rung, arm, interleaved)
            made = made._replace(against=Opponent(other.plan, other.model))
        return made

    def _made_by(self, arms: Mapping[str, ExperimentArm], rung: Rung, text: str, drafted: bool) -> ArmPlan:
        """`drafted`: the slate is drawn by the coins of a draft, and by nothing else."""
        model = self._model
        for each in arms.values():
            model = each.model or model
        stages = self._stages(arms)
        if drafted:
            sure = msgspec.structs.replace(stages.exploration, share=0.0)
            stages = msgspec.structs.replace(stages, exploration=self._one(sure))
        key = self._key(stages), rung
        if key not in self._shared:
            self._shared[key] = self._plan(stages, rung, f"experiments {text}")
        return ArmPlan(self._shared[key], model)

    def _stages(self, arms: Mapping[str, ExperimentArm]) -> StageSettings:
        """The settings of arms together, section by section: of each section there are few combinations."""
        touching: dict[str, list[str]] = {}
        for name, arm in arms.items():
            for section in arm.stages:
                touching.setdefault(section, []).append(name)
        sections = {}
        for section, names in touching.items():
            key = (section, *names)
            if key not in self._sections:
                tree = deepcopy(self._base)
                for name in names:
                    merge(tree, {section: deepcopy(arms[name].stages[section])})
                stages = self.settings.stages_with(tree, f"experiments {','.join(names)}")
                self._sections[key] = self._one(getattr(stages, section))
            sections[section] = self._sections[key]
        return msgspec.structs.replace(self._default, **sections)

    def _key(self, stages: StageSettings) -> StageKey:
        """The same for the same settings, whose sections `_one` has given."""
        return tuple(map(id, msgspec.structs.astuple(stages)))

    def _one(self, section: msgspec.Struct) -> msgspec.Struct:
        """The one object of all that have the same values; it lives as long as the plans do."""
        return self._same.setdefault(_encoder.encode(section), section)

    def check(self, name: str, experiment: ExperimentSettings) -> None:
        """Raises `DeclarationError` where an arm of it asks for what this process does not have."""
        check_stages(self.settings, name, experiment)
        for arm, each in experiment.arms.items():
            path = ("experiments", name, "arms", arm, "stages")
            stages = self.settings.stages_with(each.stages, ".".join(path))
            for key in ("sources", "weights", "reserve"):
                for source in getattr(stages.candidates, key):
                    if source not in self._sources:
                        where = (*path, "candidates", key)
                        raise unknown(where, source, self._sources, "the sources of this build")
            self._check_learning(stages, path)

    def _check_learning(self, stages: StageSettings, path: Path) -> None:
        """What an arm would go by must be learned by the workers: that begins with their start."""
        wants: tuple[tuple[bool, Path, str], ...] = (
            (stages.reweighting.enabled and not learns(self.settings), ("reweighting", "enabled"), "false"),
            (stages.exploration.samples and not learns(self.settings), ("exploration", "policy"), "gumbel"),
            (
                stages.candidates.quotas != "fixed" and not earns(self.settings),
                ("candidates", "quotas"),
                "fixed",
            ),
        )
        for wanted, key, instead in wants:
            if wanted:
                value: Any = stages
                for part in key:
                    value = getattr(value, part)
                raise DeclarationError(
                    (*path, *key),
                    f"{instead}, since no worker learns what it goes by",
                    str(value).lower(),
                    "declare the experiment in the workers' settings file, or set it there for all, and"
                    " restart them",
                )

    def _plan(self, stages: StageSettings, rung: Rung, where: str) -> StagePlan:
        settings = self.settings
        return stage_plan(lowered(stages, rung, settings.ladder), self._meanings, self._sources, rung, where)


def learns(settings: Settings) -> bool:
    """Whether workers learn from answers: somebody's scores are adapted, or drawn from what is believed."""
    return any(each.reweighting.enabled or each.exploration.samples for each in _all_stages(settings))


def earns(settings: Settings) -> bool:
    """Whether workers count what sources earn: somebody's quotas follow it."""
    return any(each.candidates.quotas != "fixed" for each in _all_stages(settings))


def _all_stages(settings: Settings) -> list[StageSettings]:
    """Those of everybody, of the arms, and of the experiments of a settings file."""
    trees = [arm.stages for arm in settings.arms.values()]
    trees += [arm.stages for each in settings.experiments.values() for arm in each.arms.values()]
    return [settings.stages, *(settings.stages_with(tree, "settings") for tree in trees)]


_encoder = msgspec.json.Encoder(order="deterministic")
