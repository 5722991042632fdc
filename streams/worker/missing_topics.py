"""Topics that have gone from the cluster while a worker reads them.

Kafka's client then leaves them out of the assignment, and looks again minutes later: a worker that reads the
other topics would call itself ready. Here it is not, and the client is told to look again at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.events import EVENT_TOPICS
from streams.settings import KafkaSettings
from streams.topics import topic_name


def missing_topics(consumer: Any, kafka: KafkaSettings) -> Sequence[str]:
    """The event topics that the cluster lacks, as far as the client knows, which is told to look again."""
    thread: Any = getattr(consumer, "_thread", None)
    if thread is None or thread._consumer is None:
        return ()
    client = thread._consumer
    names = [topic_name(kafka, name) for name in EVENT_TOPICS]
    missing = [name for name in names if not client._client.cluster.partitions_for_topic(name)]
    if missing:
        thread.thread_loop.call_soon_threadsafe(client._client.force_metadata_update)
    return missing
