"""aiokafka's connections on uvloop.

After the broker resets a connection, the connection still looks open until its reader runs. A write in
between logs a warning on the standard event loop, and raises a `RuntimeError` on uvloop. aiokafka expects an
`OSError`: the `RuntimeError` ends its refresh of metadata for good, and the client never finds a broker that
comes back.
"""

from __future__ import annotations

from typing import Any

from aiokafka import conn as library
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError


class Connection(AIOKafkaConnection):  # type: ignore[misc]  # the library has no types
    """A connection whose writes raise the error that aiokafka expects."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """Raises `KafkaConnectionError` where the connection is closed."""
        try:
            return super().send(request, expect_response)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


def mend_connections() -> None:
    """Make all Kafka clients of this process use such connections from now on."""
    library.AIOKafkaConnection = Connection
