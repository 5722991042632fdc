"""The Faust app: one agent over all event topics, which hands its queue to `BatchIntake`.

Faust's own web server, tables, leader topic and producer are not used: nothing of it can be reached from
outside.
"""

from __future__ import annotations

from typing import Any

import faust

from model.errors import PartEndedError
from streams.events.schema import EVENT_TOPICS
from streams.kafka.topics import client_id, topic_name
from streams.settings.tree import Settings
from streams.worker.aiokafka_thread import request_timeout_ms
from streams.worker.driver import Transport, broker_urls
from streams.worker.event_queue import EventQueue
from streams.worker.intake import BatchIntake
from streams.worker.membership import Membership
from streams.worker.waiting import Waiting

COMMIT_EVERY_S = 1.0
QUEUE_EVENTS = 4_096


class App(faust.App):
    """An app that leaves no folders behind: it has no tables."""

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> EventQueue:  # noqa: N802
        """The queue of an agent."""
        return EventQueue(maxsize or 0, flow_control=self.flow_control, clear_on_resume=clear_on_resume)


def group_name(settings: Settings) -> str:
    """The consumer group of all workers of a deployment."""
    return topic_name(settings.kafka, "workers")


def create_app(
    settings: Settings, intake: BatchIntake, membership: Membership, waiting: Waiting
) -> faust.App:
    """A worker's app, whose events go to `intake`; the others are told what Kafka answers."""
    kafka = settings.kafka
    app = App(
        group_name(settings),
        broker=broker_urls(kafka),
        broker_client_id=client_id(kafka, "worker"),
        autodiscover=False,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        broker_session_timeout=kafka.session_timeout_ms / 1_000,
        broker_heartbeat_interval=kafka.heartbeat_ms / 1_000,
        broker_request_timeout=request_timeout_ms(kafka) / 1_000,
        broker_commit_interval=COMMIT_EVERY_S,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=QUEUE_EVENTS,
        # A batch that waits for the store must not hold up the others' rebalance: its commit is fenced.
        stream_wait_empty=False,
    )
    app.transport = Transport(kafka, app, membership, waiting)
    topic = app.topic(
        *(topic_name(kafka, name) for name in EVENT_TOPICS),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )

    @app.agent(topic, name="events", concurrency=1)
    async def take(stream: Any) -> None:
        stream.noack()
        try:
            await intake.run(app, stream.channel.queue)
        except StopAsyncIteration:  # how Faust ends a stream
            if not app.should_stop:
                await app.crash(PartEndedError("the stream of events has ended"))
            return
        except Exception as error:  # Faust would restart the agent and go on behind what was lost
            await app.crash(error)
            raise

    return app
