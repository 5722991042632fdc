"""The sections of the settings, with units in the names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from export.plan import ExportPlan
from model.actions import ActionName
from model.plan import ListPlan, NetworkPlan, TrainPlan
from model.tasks import Task, default_tasks
from model.universal import UNIVERSAL

Positive = Annotated[int, Meta(gt=0)]
PositiveFloat = Annotated[float, Meta(gt=0)]
Weight = Annotated[float, Meta(ge=-1e6, le=1e6)]
Share = Annotated[float, Meta(ge=0, le=1e6)]
Count = Annotated[int, Meta(gt=0, le=1_000_000)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Prefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]*\Z", max_length=64)]
HostName = Annotated[
    str, Meta(pattern=r"^(\*|(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)\Z", max_length=253)
]
Namespace = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+\Z", max_length=63)]
DEFAULT_NAMESPACE = "headrace"


class DerivedPrefix(str):
    """A prefix that nobody has set: it follows the namespace (`Settings.namespace`). One that was set is a
    plain string, and stays as it is.
    """

    __slots__ = ()


def kafka_prefix(namespace: str) -> DerivedPrefix:
    """What goes before every topic, group and client id of a namespace.

    >>> kafka_prefix("shop")
    'shop.'
    """
    return DerivedPrefix(f"{namespace}.")


def redis_prefix(namespace: str) -> DerivedPrefix:
    """What goes before every key and channel of a namespace.

    >>> redis_prefix("shop")
    'shop:'
    """
    return DerivedPrefix(f"{namespace}:")


class KafkaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`prefix` goes before every topic, group and client id; where it is not set, it is the namespace and a
    point. One that is set wins over the namespace.

    `consumer`: the client with which workers read. `fetch_min_bytes`: for so many bytes the broker waits
    before it answers a fetch, `fetch_max_wait_ms` at most; 0 for what suits the client: 1 and 100 with
    librdkafka, 65,536 and 5 with aiokafka.
    """

    bootstrap: str = "127.0.0.1:9092"
    prefix: Prefix = kafka_prefix(DEFAULT_NAMESPACE)
    partitions: Positive = 4
    replication: Positive = 1
    consumer: Literal["librdkafka", "aiokafka"] = "librdkafka"
    fetch_min_bytes: Annotated[int, Meta(ge=0)] = 0
    fetch_max_wait_ms: Annotated[int, Meta(ge=0)] = 0
    session_timeout_ms: Positive = 6_000
    heartbeat_ms: Positive = 1_000
    request_timeout_ms: Positive = 3_000


class RedisSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`prefix` goes before every key and channel; where it is not set, it is the namespace and a colon. One
    that is set wins over the namespace. `timeout_ms` bounds each call, with the wait for a connection.

    `connections`: of a process to a server at most, besides one that all small calls share.
    `ledger_margin_ms`: how much of the ledger before a snapshot is kept for followers that lag. `strict`:
    refuse a server that evicts keys, instead of warning; its settings are looked at every `watch_every_s`.
    `cluster`: the URL names a node of a Redis Cluster. `shards`: into how many parts, of one slot each, users
    and items are divided; a divisor of `kafka.partitions`.
    """

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = redis_prefix(DEFAULT_NAMESPACE)
    cluster: bool = False
    shards: Annotated[int, Meta(gt=0, le=1_024)] = 1
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

    `sources`: the sources that are asked; () for all. `history`: of how many of the user's newest items they
    read the pairs; 0 for all. `weights`: of a source in the fusion of ranks (1 where none is named),
    `rank_constant` its constant. `reserve`: places of the pool that a source's best candidates have in any
    case.

    `quotas`: whether that is so ("fixed"), or the sources share the part `quota_part` of the pool by what
    they earned, by its mean or by a draw of it ("mean", "thompson"); then each has from `quota_least` to
    `quota_most` of the pool.
    """

    pool: Count = 200
    per_source: Count = 300
    sources: tuple[str, ...] = ()
    history: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    rank_constant: Annotated[float, Meta(gt=0, le=1e6)] = 60.0
    weights: dict[str, Share] = msgspec.field(default_factory=_source_weights)
    reserve: dict[str, Annotated[int, Meta(ge=0, le=1_000_000)]] = msgspec.field(
        default_factory=_source_reserve
    )
    fresh_half_life_s: Annotated[float, Meta(gt=0, le=1e10)] = 7 * 86_400.0
    quotas: Literal["fixed", "mean", "thompson"] = "fixed"
    quota_part: Annotated[float, Meta(ge=0, le=1)] = 0.5
    quota_least: Annotated[float, Meta(ge=0, le=1)] = 0.02
    quota_most: Annotated[float, Meta(gt=0, le=1)] = 0.25


class IndexSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The search for near items. `from_items`: with fewer, each search looks at all of them; with as many or
    more, at the cells of an index that may hold what is asked for. `watch_every`: one search in so many is
    made again, exactly, beside the service, to tell the index's recall; 0 for none.
    """

    from_items: Annotated[int, Meta(gt=0, le=2_000_000_000)] = 20_000
    watch_every: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 1_000


class RescoringSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`enabled`: the model scores the candidates; else they keep the order of the pool."""

    enabled: bool = True


class AdaptationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`enabled`: what was learned from answers moves the scores of a model; else they stay as they are."""

    enabled: bool = True


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`size`: items kept in a user's feed. `repeat`: whether items that the user met may come back, or by
    which actions alone they must have been met to do so.

    `fresh_place`: the place (from 1) kept for a new item, 0 for none. `rating_weight`: what one star of the
    expected rating above the mean adds to the click logit. `task_weights`: what the logarithm of a further
    task's probability adds, by the task's name (see `model.tasks`). `aversion`: how far what is close to what
    the user did not like falls: at most to exp(-aversion) of its chance (see `ranking/aversion.py`).
    """

    size: Annotated[int, Meta(gt=0, le=200)] = 20
    repeat: bool | tuple[ActionName, ...] = False
    fresh_place: Annotated[int, Meta(ge=0)] = 12
    rating_weight: Weight = 0.3
    task_weights: dict[str, Weight] = msgspec.field(default_factory=dict)
    aversion: Annotated[float, Meta(ge=0, le=100)] = 2.0
    popular_every_s: PositiveFloat = 1.0


class ArmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One arm of an experiment. `model`: the registered model that scores its slates; "" for the active one.
    `stages`: what differs from the sections `candidates`, `rescoring`, `feed` and `exploration`, under their
    names, and `reweighting.enabled`.
    """

    model: str = ""
    stages: dict[str, Any] = msgspec.field(default_factory=dict)


class LadderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the rungs of the degradation ladder are taken, by how long events would wait on the rung above.

    A rung that would begin where the next one does is left out. So is `fewer` by default: it saves a fifth of
    the work, so under load it would take the place of the full model for most, not of the counters.
    """

    fewer_at_ms: PositiveFloat = 100.0
    counters_at_ms: PositiveFloat = 100.0
    popular_at_ms: PositiveFloat = 150.0
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
    """`registry`: the folder of models. `providers`: tried in order, "compiled" (code of our own,
    fp32), "tensorrt", "cuda" or "cpu" (onnxruntime); what has no compiled form runs on the CPU.

    `fallback`: where the first provider is missing, go on with the next (logged, counted, shown by /readyz)
    instead of refusing to start. `active`: the model to use where the store names none ("" for the newest).
    `image_dim`, `audio_dim`: dimensions of the items' image and audio vectors; 0: those views are not used.
    `tasks`, `network`, `training`, `export`: what `headrace train` makes; workers read the manifest. `lists`:
    the net of shown lists in `headrace replay --impressions`.
    """

    registry: str = "var/models"
    text_encoder: str = UNIVERSAL
    active: str = ""
    providers: tuple[str, ...] = ("compiled",)
    fallback: bool = False
    threads: Positive = 1
    text_max_tokens: Positive = 128
    image_dim: Annotated[int, Meta(ge=0, le=4_096)] = 0
    audio_dim: Annotated[int, Meta(ge=0, le=4_096)] = 0
    tasks: dict[str, Task] = msgspec.field(default_factory=default_tasks)
    network: NetworkPlan = NetworkPlan()
    training: TrainPlan = TrainPlan()
    lists: ListPlan = ListPlan()
    export: ExportPlan = ExportPlan()

    @property
    def modalities(self) -> dict[str, int]:
        """The dimensions of the views that are used."""
        return {name: dim for name, dim in (("image", self.image_dim), ("audio", self.audio_dim)) if dim}


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`batch_max` events are folded in one transaction at most; SIGTERM has `drain_deadline_s` to finish.

    `states_kept`: of so many users, those written last, the worker has the states and slates at hand. A
    partition that has not moved for `stalled_after_s` while events wait in it makes the worker unready.
    `in_step_wait_ms`: while it catches up, events wait so long for earlier ones of another topic that are
    still to be fetched.
    Of the experiments that run, the worker that leads notes their sums every `note_sums_every_s`.
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
    note_sums_every_s: PositiveFloat = 60.0
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


PagesOpenTo = Literal["loopback", "on", "off"]
"""Who may see pages: requests of the gateway's own machine, everybody, nobody."""


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`events_max`: events in one request at most; `timeout_ms`: the longest wait for Kafka or the store.

    `hosts`: the names under which it may be asked, beside its addresses, `localhost` and `host`; `*.NAME` for
    all below a name, `*` for any. Pages of these hosts may ask it, too (`*` names none). `streams_max`:
    bodies of NDJSON at a time. Answers under an Idempotency-Key are kept for `idempotency_hours`. Answers of
    `compress_from_bytes` or more are compressed where the client takes that, but for the hot routes'; 0: none
    is. `console`: to whom the pages under /console are open; there, feeds should be as fresh as
    `freshness_p50_ms` and `freshness_p99_ms` say, from an event's acceptance until its feed is written.
    `demo_app`: to whom the demo application under /demo is open.

    SIGTERM has `drain_deadline_s` to answer what was asked and to log the last impressions.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    drain_deadline_s: PositiveFloat = 5.0
    events_max: Positive = 1_000
    body_max_bytes: Positive = 8 * 1024 * 1024
    timeout_ms: Positive = 2_000
    retry_after_s: Positive = 1
    hosts: tuple[HostName, ...] = ()
    streams_max: Positive = 16
    idempotency_hours: Annotated[float, Meta(gt=0, le=8_760)] = 24.0
    compress_from_bytes: Annotated[int, Meta(ge=0)] = 16_384
    console: PagesOpenTo = "loopback"
    demo_app: PagesOpenTo = "off"
    freshness_p50_ms: PositiveFloat = 50.0
    freshness_p99_ms: PositiveFloat = 250.0
