"""It counts as the client's own histogram does, and looks the same to Prometheus."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from streams.worker.bulk_histogram import BulkHistogram

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

    def lines(registry: CollectorRegistry) -> list[str]:
        page = generate_latest(registry).decode().splitlines()
        return sorted(line for line in page if "_created" not in line)

    assert lines(ours) == lines(theirs)
