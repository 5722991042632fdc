"""The log replayed: the core learns what it had learned, and the arm is asked at every slate that was
shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.errors import DataError
from streams.datasets.dataset import Dataset
from streams.events.schema import AnyEvent, Impression
from streams.experiments.off_policy.slate_reading import SlateRows
from streams.offline.replay.options import Progress
from streams.offline.simulation.preparation import Cores, Entrant, SimulationOptions
from streams.offline.simulation.world import World, rung_of
from streams.offline.whatif.arm_file import ASKED
from streams.offline.whatif.asked import AskedArm
from streams.offline.whatif.log import ShownSlates, events_of
from streams.offline.whatif.policy import F64
from streams.settings.tree import DEFAULT_ARM, Settings

LEFT_OUT_MOST = 0.1
"""Of the slates that were shown with propensities: more than this can't be left out unnoticed."""
SAY_EVERY = 200


class Replayed(NamedTuple):
    """`counts`: what became of the impressions (`AskedArm.OUTCOMES`); `notes`: how the data was read."""

    rows: SlateRows
    counts: Mapping[str, int]
    notes: tuple[str, ...]


async def replayed(
    dataset: Dataset, log: Path, settings: Settings, options: SimulationOptions, progress: Progress
) -> Replayed:
    """Warm a core on a dataset as the log's was, and give it the log. `settings` have the arm (`with_arm`);
    `options` are those of the simulation that wrote the log. `DataError` where the log is not of this data
    and these settings, or shows no slate that was drawn.
    """
    shown = ShownSlates(log, settings.events)
    if not shown.ids:
        raise DataError(
            f"{log}: no impression has propensities; expected some: an arm that draws nothing tells"
            " nothing of others. Log with exploration.share above 0"
        )
    until = int(len(dataset.interactions) * options.warm)
    with ExitStack() as files:
        cores = Cores(dataset, until, options, progress, files)
        named = tuple(dict.fromkeys([DEFAULT_ARM, *shown.arms, ASKED]))
        run = cores.warmed(Entrant("log", settings, named))
        core = run.recommender
        begin_ms = int(dataset.interactions.ts_ms[until - 1]) + 1_000
        rewarding = [core.meanings.codes[name] for name in core.meanings.saying("positive")]
        asked = AskedArm(core, ASKED, rung_of(core), shown.ids, rewarding)

        def arm_of(user: str) -> str:
            return shown.arm_of(user, world.clock.ms)

        world = World("log", core, arm_of, begin_ms, watch=asked.watch)
        await world.begin({user: run.states[user] for user in shown.users if user in run.states})
        await _give(events_of(log, settings.events), shown.events, world, asked, progress)
    _check(log, asked)
    return Replayed(_rows(asked), dict(asked.counts), cores.notes)


async def _give(
    events: Iterable[AnyEvent], total: int, world: World, asked: AskedArm, progress: Progress
) -> None:
    for number, event in enumerate(events):
        world.clock.ms = max(world.clock.ms, event.ts)
        await world.deliver(event)
        if isinstance(event, Impression):
            asked.shown(event)
        if number % SAY_EVERY == 0:
            progress("replaying the log", number + 1, total)
    progress("replaying the log", total, total)


def _check(log: Path, asked: AskedArm) -> None:
    counts = asked.counts
    drawn, lost = counts["drawn"], counts["unknown"] + counts["other propensities"]
    if lost > LEFT_OUT_MOST * (drawn + lost):
        raise DataError(
            f"{log}: of {drawn + lost} slates that were drawn, the replay makes {counts['unknown']} not"
            f" at all and {counts['other propensities']} with other propensities; expected at most"
            f" {LEFT_OUT_MOST:.0%} of them: give the settings, the data, --warm, --seed and --model that"
            " the log was made with, and the whole log from its begin"
        )


def _rows(asked: AskedArm) -> SlateRows:
    slates, places = asked.slates, max(len(each.rows) for each in asked.slates.values())
    numbers = {user: k for k, user in enumerate(dict.fromkeys(each.user for each in slates.values()))}
    shown = list(slates.values())
    reward = [
        np.isin(each.rows, list(asked.answered.get(name, ()))).astype(float) for name, each in slates.items()
    ]
    return SlateRows(
        np.array([numbers[each.user] for each in shown], np.int64),
        _padded(reward, places, 0.0),
        _padded([each.target for each in shown], places, 1.0),
        _padded([each.logged for each in shown], places, 1.0),
        _padded([each.shown for each in shown], places, 0.0),
        _padded([each.meant for each in shown], places, 0.0),
        _marginal([each.target_at for each in shown], places),
        _marginal([each.logged_at for each in shown], places),
    )


def _padded(each: list[F64], places: int, value: float) -> F64:
    """[n, K, ...] of arrays [k, ...], k to K."""
    found = np.full((len(each), places, *each[0].shape[1:]), value)
    for row, values in zip(found, each, strict=True):
        row[: len(values)] = values
    return found


def _marginal(each: list[F64 | None], places: int) -> F64 | None:
    known = [values for values in each if values is not None]
    return _padded(known, places, 1.0) if len(known) == len(each) else None
