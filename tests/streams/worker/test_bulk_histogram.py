"""It counts as the client's own histogram does, and looks the same to Prometheus."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from streams.worker.bulk_histogram import MANY, BulkHistogram

BUCKETS = (0.002, 0.005, 0.01, 1.0, 60.0)
values = st.lists(st.sampled_from([*BUCKETS, 0.0, 61.0]) | st.floats(0, 100), max_size=30)


@given(st.lists(values, max_size=5))
def test_it_tells_what_the_clients_own_would(batches: list[list[float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    bulk = BulkHistogram("waits_seconds", "How long.", BUCKETS, ours)
    single = Histogram("waits_seconds", "How long.", buckets=BUCKETS, registry=theirs)
    for batch in batches:
        bulk.observe_all(batch)
        for value in batch:
            single.observe(value)
    for bound in (*map(str, BUCKETS), "+Inf"):
        labels = {"le": bound}
        expected = theirs.get_sample_value("waits_seconds_bucket", labels)
        assert ours.get_sample_value("waits_seconds_bucket", labels) == expected
    assert ours.get_sample_value("waits_seconds_count") == theirs.get_sample_value("waits_seconds_count")
    told, wanted = ours.get_sample_value("waits_seconds_sum"), theirs.get_sample_value("waits_seconds_sum")
    assert told is not None
    assert wanted is not None
    assert abs(told - wanted) <= 1e-9 * max(1.0, wanted)


def test_its_page_has_the_lines_of_the_clients_own() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    BulkHistogram("waits_seconds", "How long.", BUCKETS, ours).observe_all([0.001, 2.0])
    single = Histogram("waits_seconds", "How long.", buckets=BUCKETS, registry=theirs)
    for value in (0.001, 2.0):
        single.observe(value)

    assert lines(ours) == lines(theirs)


def test_each_value_of_a_label_is_counted_by_itself() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    bulk = BulkHistogram("turns_seconds", "How long.", BUCKETS, ours, label="stage")
    single = Histogram("turns_seconds", "How long.", ("stage",), buckets=BUCKETS, registry=theirs)
    for stage, value in (("fold", 0.001), ("commit", 2.0), ("fold", 0.004)):
        bulk.of(stage).observe(value)
        single.labels(stage).observe(value)
    assert lines(ours) == lines(theirs)


def test_nothing_is_lost_where_one_thread_observes_and_another_looks() -> None:
    registry = CollectorRegistry()
    bulk = BulkHistogram("waits_seconds", "How long.", BUCKETS, registry)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            generate_latest(registry)

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(20 * MANY):
        bulk.observe(0.004)
        bulk.observe_all([0.004, 0.5])
    ended.set()
    looking.join()
    assert registry.get_sample_value("waits_seconds_count") == 60 * MANY
    assert registry.get_sample_value("waits_seconds_bucket", {"le": "0.005"}) == 40 * MANY
    assert len(bulk._unsorted) < MANY


def lines(registry: CollectorRegistry) -> list[str]:
    page = generate_latest(registry).decode().splitlines()
    return sorted(line for line in page if "_created" not in line)
