"""What a simulation begins with: cores after the warm part of a dataset, users fitted on all of it, and when
they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

import numpy as np

from export.registry import Registry
from model.errors import DataError, SettingsError
from model.schema import F32
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.offline.replay.options import Progress, ReplayOptions
from streams.offline.replay.preparation import encode_of
from streams.offline.simulation.choice import Rows
from streams.offline.simulation.draws import Draws
from streams.offline.simulation.fitting import Fitted, fitted
from streams.offline.simulation.population import Population, population
from streams.offline.simulation.scenario import Scenario
from streams.offline.simulation.schedule import Visit, schedule
from streams.offline.simulation.truth import Truth
from streams.offline.simulation.visiting import Visiting
from streams.offline.simulation.world import World
from streams.offline.stream_driver import Prequential
from streams.offline.training.fit import fit
from streams.offline.training.half_lives import PACE_OF_LAST, adapted
from streams.offline.training.warming import prepare, warm
from streams.recommender import Recommender
from streams.serving.loading import load_in_service
from streams.settings.tree import DEFAULT_ARM, Settings
from streams.state.event_meaning import Encode

LAST_WAIT_MS = 600_000
"""How long users have for their clicks after their last visit."""
STEADY_S = 20.0
"""Between two interactions, where the data's times say nothing."""


class Entrant(NamedTuple):
    """A core that takes part, under its settings; users are divided among `arms`."""

    name: str
    settings: Settings
    arms: tuple[str, ...] = (DEFAULT_ARM,)


@dataclass(frozen=True)
class SimulationOptions:
    """`warm`: the share of the data that the cores have learned when the users come. `model`: a folder of an
    exported model; None trains one on the warm part; "none" ranks by counters alone. `log`: a folder for each
    world's events as JSON lines. `paired`: each world under an attack has a second one without it.
    """

    warm: float = 0.5
    seed: int = 7
    model: str | None = None
    log: Path | None = None
    paired: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.warm < 1:
            raise SettingsError(f"--warm {self.warm}: expected a share between 0 and 1, as in --warm 0.5")


class Prepared(NamedTuple):
    """`plays`: one for each entrant, and one more for each without the attack, where there is one.
    `attacked`: whether hostile users come to it. `rankers`: the model of each.
    """

    model: Fitted
    people: Population
    truth: Truth
    visits: list[Visit]
    plays: list[Visiting]
    attacked: list[bool]
    rankers: list[str]
    notes: tuple[str, ...]

    def with_next(self) -> Iterator[tuple[Visit, int]]:
        """Each visit, and when its user comes again."""
        coming: dict[int, int] = {}
        found = []
        for visit in reversed(self.visits):
            found.append((visit, coming.get(visit.user, visit.ts_ms + LAST_WAIT_MS)))
            coming[visit.user] = visit.ts_ms
        return reversed(found)


async def prepared(
    dataset: Dataset,
    entrants: Sequence[Entrant],
    scenario: Scenario,
    options: SimulationOptions,
    progress: Progress,
    files: ExitStack,
) -> Prepared:
    """Fit the users, warm the cores, and train a model where one is asked for. `files` closes the logs, and
    removes that model.
    """
    _check(entrants, scenario)
    stream = dataset.interactions
    until = int(len(stream) * options.warm)
    if until < 1 or until >= len(stream):
        raise DataError(f"{len(stream)} events can't be parted at {options.warm}; expected some on each side")
    chosen, named = _chosen(dataset, entrants[0].settings)
    model = fitted(chosen, named, scenario.rank, options.seed)
    known = set(stream.user[:until])
    people = population(model, known, scenario, options.seed)
    begin_ms = int(stream.ts_ms[until - 1]) + 1_000
    end_ms = begin_ms + _span_ms(stream.ts_ms[:until], scenario, model)
    visits = schedule(people, model.activity, scenario, begin_ms, end_ms, options.seed)
    draws = Draws(options.seed)
    cores = Cores(dataset, until, options, progress, files)
    plays: list[Visiting] = []
    attacked: list[bool] = []
    rankers: list[str] = []
    truth: Truth | None = None
    for entrant in entrants:
        hit = scenario.attack is not None
        for under_attack in (True, False) if hit and options.paired else (hit,):
            run = cores.warmed(entrant)
            met = _met(run, people, model)
            if truth is None:
                truth = Truth(model, people, scenario, met, options.seed)
            name = entrant.name if under_attack or not hit else f"{entrant.name}, no attack"
            log = None if options.log is None else files.enter_context(_opened(options.log, len(plays)))
            world = World(name, run.recommender, _assignment(entrant.arms, draws, people), begin_ms, log)
            here = {user for user, yes in zip(people.names, people.known.tolist(), strict=True) if yes}
            await world.begin({user: state for user, state in run.states.items() if user in here})
            plays.append(Visiting(world, truth, met, draws))
            attacked.append(under_attack)
            active = run.recommender.pipeline.models.active
            rankers.append("counters" if active is None else active.name)
    assert truth is not None
    return Prepared(model, people, truth, visits, plays, attacked, rankers, cores.notes)


def _check(entrants: Sequence[Entrant], scenario: Scenario) -> None:
    names = [entrant.name for entrant in entrants]
    if not names or len({*names}) < len(names):
        raise SettingsError(f"worlds {', '.join(names) or '(none)'}: expected one or more, each named once")
    for entrant in entrants:
        for arm in entrant.arms:
            entrant.settings.stages_of(arm)
        if scenario.places > (size := entrant.settings.feed.size):
            raise SettingsError(
                f"scenario: places is {scenario.places}, but feed.size of {entrant.name} is {size}: expected"
                " no more"
            )
    effect = scenario.effect
    if effect is not None and not any(effect.arm in entrant.arms for entrant in entrants):
        known = ", ".join(dict.fromkeys(arm for entrant in entrants for arm in entrant.arms))
        raise SettingsError(f"scenario: effect.arm is {effect.arm!r}; expected an arm that plays: {known}")


def _chosen(dataset: Dataset, settings: Settings) -> tuple[Interactions, list[str]]:
    """The events in which users chose an item, and all items that a feed may hold."""
    stream, shown = dataset.interactions, dataset.interactions.shown or ()
    on_slates = (item for slates in shown for slate in slates for item in slate.items)
    named = list(dict.fromkeys([*dataset.items, *stream.item, *on_slates]))
    if stream.action is None:
        return stream, named
    against = {*settings.meanings.saying("negative")}
    return stream.take(np.flatnonzero([action not in against for action in stream.action])), named


def _span_ms(ts_ms: Rows, scenario: Scenario, model: Fitted) -> int:
    """How long the run lasts: interactions come as fast as in the last fifth of the warm part, by which the
    half-lives of the counters go (`half_lives.adapted`).
    """
    begin = int(len(ts_ms) * (1.0 - PACE_OF_LAST))
    pace_ms = float(ts_ms[-1] - ts_ms[begin]) / max(len(ts_ms) - begin, 1) or 1_000.0 * STEADY_S
    each = scenario.clicks * (1.0 if model.stars is None else 1.0 + scenario.rated)
    return max(1_000, int(scenario.visits * each * pace_ms))


def _met(run: Prequential, people: Population, model: Fitted) -> dict[int, Rows]:
    """What the known users have met, so that it does not come back."""
    core, ids = run.recommender, {item: row for row, item in enumerate(model.items)}
    met = {}
    for number, (name, known) in enumerate(zip(people.names, people.known.tolist(), strict=True)):
        if known:
            state = run.states[name]
            rows = [row for row in set(state.items.tolist()) if core.met_for_good(state, row)]
            met[number] = np.array(sorted(ids[core.catalog.ids[row]] for row in rows), np.int64)
    return met


def _assignment(arms: Sequence[str], draws: Draws, people: Population) -> Callable[[str], str]:
    """The arm of each user, drawn with equal chances; the same in every world with as many arms."""
    by_name = {
        name: arms[int(draws.uniform("arm", number) * len(arms))] for number, name in enumerate(people.names)
    }
    return by_name.__getitem__


def _opened(folder: Path, number: int) -> BinaryIO:
    path = folder / f"events-{number}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise DataError(f"--events {path}: {error.strerror}; name a folder that can be written to") from None


class Cores:
    """Makes cores that have learned the warm part; what they share is made once."""

    def __init__(
        self, dataset: Dataset, until: int, options: SimulationOptions, progress: Progress, files: ExitStack
    ) -> None:
        self._dataset, self._until, self._progress = dataset, until, progress
        self._model, self._seed, self._warm = options.model, options.seed, options.warm
        self._encode: Encode | None = None
        self._begun = False
        self._files = files
        self.notes: tuple[str, ...] = ()

    def warmed(self, entrant: Entrant) -> Prequential:
        """A core of its own for an entrant, which serves the model."""
        settings = adapted(entrant.settings, self._dataset.interactions, self._until)
        if not self._begun:
            options = ReplayOptions(self._warm, self._seed, self._model)
            encode, self.notes = encode_of(self._dataset, options, settings, self._until, self._progress)
            self._encode, self._begun = None if encode is None else _Remembered(encode), True
        run = prepare(self._dataset, settings, self._encode, self._progress)
        if self._model is None:
            collected = warm(run, self._until, settings, self._progress)
            folder = self._files.enter_context(TemporaryDirectory(prefix="headrace-simulation-"))
            registry = Registry(Path(folder))
            fit(run, collected, registry, "trained", self._progress)
            self._model = str(registry.get("trained"))
        else:
            run.warm(self._until, None, self._until, self._say)
        _serve(run.recommender, self._model, entrant)
        return run

    def _say(self, done: int) -> None:
        self._progress("warming", done, self._until)


def _serve(core: Recommender, model: str, entrant: Entrant) -> None:
    """Put the model, and those that arms name, into service."""
    settings, names = entrant.settings.model, core.pipeline.names
    if model != "none":
        core.serve(load_in_service(Path(model), settings, names))
    for named in sorted({entrant.settings.model_of(arm) for arm in entrant.arms} - {""}):
        core.load(load_in_service(Registry(Path(settings.registry)).get(named), settings, names))


class _Remembered:
    """An encoder that reads each text once, for all cores."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._known: dict[str, F32] = {}

    def __call__(self, texts: Sequence[str]) -> F32:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])
