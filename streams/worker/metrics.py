"""What a worker counts. Labels take values from fixed sets: nothing that a client sends becomes a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from streams.worker.bulk_counter import BulkCounter
from streams.worker.bulk_histogram import BulkHistogram

STAGE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
FRESHNESS_BUCKETS_S = (
    0.002,
    0.005,
    0.01,
    0.015,
    0.025,
    0.04,
    0.06,
    0.1,
    0.15,
    0.25,
    0.5,
    1.0,
    2.5,
    10.0,
    60.0,
)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class WorkerMetrics:
    """The worker's own registry and everything in it."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.events = BulkCounter(
            "headrace_worker_events",
            "Events taken from Kafka, by topic and result (applied, skipped, dead_letter).",
            ("topic", "result"),
            registry=registry,
        )
        self.skipped = BulkCounter(
            "headrace_worker_skipped_events",
            "Events that changed nothing, by reason (offset, duplicate, older: a late item update, shown: an "
            "impression of what was shown already).",
            ("reason",),
            registry=registry,
        )
        self.late = BulkCounter(
            "headrace_worker_late_events",
            "Clicks and reviews that came after a later one of their user.",
            (),
            registry=registry,
        )
        self.actions = BulkCounter(
            "headrace_worker_actions",
            "Clicks and reviews that counted, by action: built in, declared in the settings, or other.",
            ("action",),
            registry=registry,
        )
        self.dead_letters = BulkCounter(
            "headrace_worker_dead_letters", "Dead letters written, by reason.", ("reason",), registry=registry
        )
        self.batch_events = BulkHistogram(
            "headrace_worker_batch_events", "Events in a batch.", buckets=BATCH_BUCKETS, registry=registry
        )
        self.stage_s = BulkHistogram(
            "headrace_worker_stage_seconds",
            "Time of each stage of a batch.",
            buckets=STAGE_BUCKETS_S,
            registry=registry,
            label="stage",
        )
        self.states = BulkCounter(
            "headrace_worker_states",
            "States that batches began with, by where they came from (kept, read).",
            ("source",),
            registry=registry,
        )
        self.applied_s = BulkHistogram(
            "headrace_worker_event_to_applied_seconds",
            "From an event's own time (its sender's clock) until its batch was written (the worker's).",
            buckets=FRESHNESS_BUCKETS_S,
            registry=registry,
        )
        self.pushed_s = BulkHistogram(
            "headrace_worker_accepted_to_pushed_seconds",
            "From the acceptance of the event that caused a feed (the gateway's clock; for events of other "
            "producers, when this worker read it) until the feed was written (the store's clock).",
            buckets=FRESHNESS_BUCKETS_S,
            registry=registry,
        )
        self.slates = BulkCounter(
            "headrace_worker_slates",
            "Slates made, by rung of the degradation ladder and by what ranked them.",
            ("rung", "ranked_by"),
            registry=registry,
        )
        self.explored = BulkCounter(
            "headrace_worker_explored_places",
            "Places that were drawn and got another item than the best that was left, by arm.",
            ("arm",),
            registry=registry,
        )
        self.showings = BulkCounter(
            "headrace_worker_showings",
            "Impressions, by what they showed of their slate (shown, more, again, full, late, duplicate).",
            ("result",),
            registry=registry,
        )
        self.answers = BulkCounter(
            "headrace_worker_answers",
            "Clicks and reviews, by how they were joined with a slate (joined, unshown, repeated, full, "
            "late, absent, unknown, unattributed).",
            ("result",),
            registry=registry,
        )
        self.lessons = BulkCounter(
            "headrace_worker_lessons",
            "Slates that this worker closed, by kind (answered, silent).",
            ("kind",),
            registry=registry,
        )
        self.learned = Gauge(
            "headrace_worker_learned_lessons",
            "Lessons of all workers that the learner has taken, by kind (answered, silent).",
            ("kind",),
            registry=registry,
        )
        self.unlearned = Gauge(
            "headrace_worker_unlearned_lessons",
            "Lessons of all workers, or answers in them, that taught nothing, by reason.",
            ("reason",),
            registry=registry,
        )
        self.learner_weight = Gauge(
            "headrace_worker_learner_weight",
            "How much each expert counts in the scores of a level, from 0 to 1.",
            ("level", "expert"),
            registry=registry,
        )
        self.learner_loss = Gauge(
            "headrace_worker_learner_loss",
            "Nats that a late choice cost each expert of a level, and their mixture; smaller is better.",
            ("level", "expert"),
            registry=registry,
        )
        self.learner_choices = Gauge(
            "headrace_worker_learner_lessons",
            "Lessons in which a user chose, by level.",
            ("level",),
            registry=registry,
        )
        self.learner_adapts = Gauge(
            "headrace_worker_learner_adapts",
            "1 where what a level has learned moves scores, 0 where its guard does not let it.",
            ("level",),
            registry=registry,
        )
        self.learner_marks = Gauge(
            "headrace_worker_learner_drift_marks",
            "Changes of a level's loss that detectors of drift have marked of late, by detector.",
            ("level", "detector"),
            registry=registry,
        )
        self.learner_levels = Gauge(
            "headrace_worker_learner_levels",
            "Levels that have a mixture, by whether it moves scores (on, off).",
            ("guard",),
            registry=registry,
        )
        self.source_rate = Gauge(
            "headrace_worker_source_rate",
            "Clicks for each place that a source brought and that was looked at; as they are remembered.",
            ("source",),
            registry=registry,
        )
        self.source_quota = Gauge(
            "headrace_worker_source_quota",
            "The part of the pool that each source has by what it earned, from 0 to 1, by arm.",
            ("arm", "source"),
            registry=registry,
        )
        self.slates_lost = Counter(
            "headrace_worker_kept_slates_lost",
            "Users whose kept slates could not be read, and were begun anew.",
            registry=registry,
        )
        self.unranked = Counter(
            "headrace_worker_ranking_failures",
            "Slates that the rung's way of ranking failed on.",
            registry=registry,
        )
        self.lag_events = Gauge(
            "headrace_worker_lag_events",
            "Offsets between what is applied and where the broker says that the partitions end.",
            ("topic",),
            registry=registry,
        )
        self.held_back_events = Gauge(
            "headrace_worker_held_back_events",
            "Offsets behind the start of an open transaction, which can't be read before it ends.",
            ("topic",),
            registry=registry,
        )
        self.stalled_partitions = Gauge(
            "headrace_worker_stalled_partitions",
            "Partitions that have not moved for worker.stalled_after_s while events wait in them.",
            registry=registry,
        )
        self.queued_events = Gauge(
            "headrace_worker_queued_events",
            "Events that were fetched and wait in the worker.",
            registry=registry,
        )
        self.model = Gauge(
            "headrace_worker_model_info",
            "1 for each model in service: the active one, and those that arms name.",
            ("model", "provider"),
            registry=registry,
        )
        self.switches = Counter(
            "headrace_worker_model_switches",
            "Models put into service, by result.",
            ("result",),
            registry=registry,
        )
        self.fallbacks = Counter(
            "headrace_worker_provider_fallbacks",
            "Models and encoders that run on another provider than the first one asked for.",
            ("asked", "got"),
            registry=registry,
        )
        self.model_fallbacks = Counter(
            "headrace_worker_model_fallbacks",
            "Slates made by the active model, since the one that their arm names was not in service.",
            ("model",),
            registry=registry,
        )
        self.index_recall = Gauge(
            "headrace_worker_index_recall",
            "Share of what an exact search finds that the index found: the mean of its newest samples.",
            ("index",),
            registry=registry,
        )
        self.index_samples = Gauge(
            "headrace_worker_index_samples",
            "Searches that were made again, exactly, since the index began.",
            ("index",),
            registry=registry,
        )
        self.index_items = Gauge(
            "headrace_worker_index_items",
            "Items in the index; 0 where searches are exact.",
            ("index",),
            registry=registry,
        )
        self.followed = BulkCounter(
            "headrace_worker_ledger_entries_followed",
            "Ledger entries of other workers.",
            (),
            registry=registry,
        )
        self.store_errors = Counter(
            "headrace_worker_store_errors", "Calls that the store did not answer.", registry=registry
        )
        self.store_concern = Gauge(
            "headrace_worker_store_concern",
            "1 where the store is not as it should be, by kind (eviction, persistence, role, loading).",
            ("kind",),
            registry=registry,
        )
        self.broker_errors = Counter(
            "headrace_worker_broker_errors", "Writes that Kafka did not acknowledge.", registry=registry
        )
        self.fenced = Counter(
            "headrace_worker_fenced_batches",
            "Batches refused because another had written.",
            registry=registry,
        )
        self.rebuilds = Counter(
            "headrace_worker_rebuilds", "Times the counters were read anew from the store.", registry=registry
        )
        self.gaps = Counter(
            "headrace_worker_gaps",
            "Gaps in the offsets of a partition, by what became of them (reread, accept).",
            ("result",),
            registry=registry,
        )
        self.examples = Counter(
            "headrace_worker_examples",
            "Training examples in finished shards, by kind (learn, whole).",
            ("kind",),
            registry=registry,
        )
        self.example_shards = Counter(
            "headrace_worker_example_shards",
            "Shards of training examples written, by kind (learn, whole).",
            ("kind",),
            registry=registry,
        )
        self.example_failures = Counter(
            "headrace_worker_example_failures",
            "Failures of the examples log, by reason: take (of one example), write, full (of one shard).",
            ("reason",),
            registry=registry,
        )
        self.ready = Gauge("headrace_worker_ready", "1 while the worker is ready.", registry=registry)
        self.leader = Gauge(
            "headrace_worker_leader", "1 while it keeps snapshots and fallback.", registry=registry
        )
        self.snapshot_bytes = Gauge(
            "headrace_worker_snapshot_bytes", "Size of the last snapshot it wrote.", registry=registry
        )
