"""The experiment that the demo runs: half of its users get the model's slates, the others what is popular.

It is among the data set's users, who all have a profile. Visitors of the demo application have none: they are
in no experiment, and get the model's slates.

It is a real one. It is declared and started in the store, as `headrace experiments` does it; workers draw the
users, slates carry their arms, and what is read here is what `headrace experiments show` reads.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec

from streams.clock import Clock
from streams.demo.tally import MODEL, POPULAR
from streams.experiments.assignment.arm_text import served_by
from streams.experiments.declared.experiment import ExperimentArm, ExperimentSettings, Target
from streams.experiments.readings.reading import ArmReading, Reading
from streams.experiments.readings.tracks import FEWEST_USERS
from streams.experiments.readings.words import interval, percent
from streams.experiments.registry.changes import declared, started
from streams.experiments.registry.state import Registry
from streams.serving.experiment_registry import change
from streams.settings.tree import Settings
from streams.state.user_state import UserState
from streams.stores.base import Store

NAME = "ranking"
ACTOR = "demo"
NOTE_EVERY_S = 5.0
EXPERIMENT = ExperimentSettings(
    hypothesis="The model's slates get more clicks than what is popular.",
    control=POPULAR,
    primary="click_through",
    users=600,
    minimum_effect=0.3,
    target=Target(profile={"gender": ("F", "M")}),
    arms={
        POPULAR: ExperimentArm(
            stages={"candidates": {"sources": ["popular"]}, "rescoring": {"enabled": False}}
        ),
        MODEL: ExperimentArm(),
    },
)


async def start(store: Store, clock: Clock) -> Registry:
    """Declare it and start it; the registry that workers then follow."""
    now_ms = clock.now_ms()
    for step in (
        partial(declared, name=NAME, settings=EXPERIMENT, now_ms=now_ms),
        partial(started, name=NAME, now_ms=now_ms),
    ):
        after = await change(store, {}, ACTOR, now_ms, step)
    return after.registry


def noted(settings: Settings) -> Settings:
    """The settings with more notes of the experiment's sums than usual: a demo lasts minutes."""
    worker = msgspec.structs.replace(settings.worker, note_sums_every_s=NOTE_EVERY_S)
    return msgspec.structs.replace(settings, worker=worker)


def introduction(settings: Settings, users: int) -> Iterator[str]:
    """What a newcomer must know of it, and how to look at it."""
    yield (
        f"{users} users at once; experiment {NAME}: half of them get the model's slates (arm {MODEL}),"
        f" half what is popular (arm {POPULAR})"
    )
    command = sys.argv[0] if Path(sys.argv[0]).name == "headrace" else "headrace"
    where = f"HEADRACE_REDIS__URL={settings.redis.url}"
    if settings.namespace != Settings().namespace:
        where += f" HEADRACE_NAMESPACE={settings.namespace}"
    yield f"look at it: {where} {command} experiments show {NAME}"


def arm_named_by(text: str) -> str:
    """The arm that the text of a slate, or of a user's draw, names; "" for none."""
    return next((each.arm for each in served_by(text) if each.key == NAME), "")


def drawn_by(
    arms_of: Callable[[str, UserState], str], profiles: Mapping[str, Mapping[str, str]]
) -> Callable[[str], str]:
    """From a user to their arm, by what says the text of a user's arms in a state. `profiles`: by user."""
    return lambda user: arm_named_by(arms_of(user, UserState(profile=dict(profiles.get(user, {})))))


def line(reading: Reading) -> str:
    """What it says now, in one line."""
    arm = reading.primary[0]
    if reading.blocked:
        return f"experiment {NAME}: the arms do not have the users of their shares; nothing is read"
    missing = max(0, FEWEST_USERS - arm.users), max(0, FEWEST_USERS - arm.control_users)
    if any(missing):
        return (
            f"experiment {NAME}: {_users(arm)} have seen their arm; it is read from {FEWEST_USERS} of each on"
            f" (missing are {missing[0]} and {missing[1]})"
        )
    seen = arm.adjusted
    if seen.low is None:
        return f"experiment {NAME}: {_users(arm)}; {arm.arm} {percent(seen.lift)}, too little to say how sure"
    between = interval(seen).replace(" to ", " and ")
    decided = f", decided at {arm.decided_at:,} users: {arm.state}" if arm.decided_at is not None else ""
    return (
        f"experiment {NAME}: clicks per place {_value(arm.value)} in arm {arm.arm},"
        f" {_value(arm.control_value)} in {POPULAR}: {percent(seen.lift)} (between {between}),"
        f" {_users(arm)}{decided}"
    )


def _users(arm: ArmReading) -> str:
    return f"{arm.users:,} users of {arm.arm} and {arm.control_users:,} of {POPULAR}"


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
