"""The registry of experiments in the store: read, and changed in one step with its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from model.errors import FencedError
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.registry.audit import (
    Entry,
    LoggedChange,
    RegistryChange,
    Verdict,
    encode_entry,
    recorded,
    verify,
)
from streams.experiments.registry.changes import removed
from streams.experiments.registry.state import Registry, decode, encode
from streams.settings.experiments import joined, without_file
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.commit import digest_of
from streams.stores.redis.store import RedisStore

ATTEMPTS = 5
Step = Callable[[Registry], RegistryChange]


class Audit(NamedTuple):
    """The entries of the log up to the first that can't be read, and whether all of it is whole."""

    entries: list[Entry]
    verdict: Verdict


async def read_registry(store: Store, experiments: Mapping[str, ExperimentSettings] = {}) -> Registry:
    """The registry, with the `experiments` of a settings file that it does not know yet, as declared."""
    return joined(decode(await store.experiments()), experiments)


async def change(
    store: Store, experiments: Mapping[str, ExperimentSettings], actor: str, now_ms: int, step: Step
) -> LoggedChange:
    """Take a step from the registry as it is; the registry after it, and its entry in the log. It is taken
    again where another process came first.

    Raises what `step` raises, `StoreUnavailableError`, and `FencedError` where others don't stop changing it.
    """
    attempt = 0
    while True:
        attempt += 1
        raw = await store.experiments()
        made = step(joined(decode(raw), experiments))
        made = made._replace(registry=without_file(made.registry))
        after = recorded(made, actor, now_ms)
        try:
            await store.put_experiments(encode(after.registry), digest_of(raw), encode_entry(after.entry))
        except FencedError:
            if attempt == ATTEMPTS:
                raise
        else:
            return after


async def remove(
    store: Store, experiments: Mapping[str, ExperimentSettings], actor: str, now_ms: int, name: str, why: str
) -> LoggedChange:
    """Remove an experiment and drop its sums. If the process ends in between, sums stay that nothing reads.

    Raises what `change` raises, and `ExperimentError` where it has not stopped.
    """
    after = await change(store, experiments, actor, now_ms, lambda registry: removed(registry, name, why))
    for key in after.registry.removed[name].begun:
        await store.forget_sums(key)
    return after


async def audit(store: Store) -> Audit:
    """The log, verified against the registry. What is changed meanwhile is read again."""
    attempt = 0
    while True:
        attempt += 1
        raw = await store.experiments_log()
        registry = decode(await store.experiments())
        verdict = verify(raw, registry)
        if verdict.whole or attempt == ATTEMPTS:
            return Audit(_readable(raw), verdict)


async def named(settings: Settings) -> frozenset[str]:
    """The models that experiments name, but for those that have stopped."""
    store = RedisStore(settings.redis)
    try:
        registry = await read_registry(store)
    finally:
        await store.close()
    return models_named(registry)


def models_named(registry: Registry) -> frozenset[str]:
    """The models of experiments that have not stopped."""
    kept = [each for each in registry.experiments.values() if each.state != "stopped"]
    return frozenset(arm.model for each in kept for arm in each.declared.arms.values() if arm.model)


def _readable(raw: list[bytes]) -> list[Entry]:
    entries = []
    for each in raw:
        try:
            entries.append(msgspec.json.decode(each, type=Entry))
        except msgspec.MsgspecError:
            break
    return entries
