"""It counts as the client's own counter does, and looks the same to Prometheus."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest

from streams.worker.bulk_counter import BulkCounter

names = st.sampled_from(["clicks", "reviews", 'odd "\n\\ name'])


def lines(registry: CollectorRegistry) -> list[str]:
    page = generate_latest(registry).decode().splitlines()
    return sorted(line for line in page if "_created" not in line)


@given(st.lists(st.tuples(st.integers(0, 9), names, names), max_size=20))
def test_its_page_has_the_lines_of_the_clients_own(additions: list[tuple[int, str, str]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    bulk = BulkCounter("events", "Events.", ("topic", "result"), ours)
    single = Counter("events", "Events.", ("topic", "result"), registry=theirs)
    for count, topic, result in additions:
        bulk.add(count, topic, result)
        single.labels(topic, result).inc(count)
    assert lines(ours) == lines(theirs)


def test_one_without_labels_is_there_before_anything_is_counted() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    bulk, single = BulkCounter("late", "Late.", (), ours), Counter("late", "Late.", registry=theirs)
    assert lines(ours) == lines(theirs)
    bulk.add(3)
    single.inc(3)
    assert lines(ours) == lines(theirs)
