"""aiokafka's connections on uvloop.

A connection that the broker has reset is still taken for open until its reader has had its turn. A write
in between is a warning on the standard event loop, and a `RuntimeError` on uvloop. aiokafka expects an
`OSError`: its refresh of metadata ended for good, and the client knew of no broker that came back.
"""

from __future__ import annotations

from typing import Any

from aiokafka import conn as library
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError


class Connection(AIOKafkaConnection):  # type: ignore[misc]  # the library has no types
    """A connection whose writes fail in the way that aiokafka expects."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """Raises `KafkaConnectionError` where the connection is closed."""
        try:
            return super().send(request, expect_response)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


def mend_connections() -> None:
    """Have all Kafka clients of this process use such connections from now on."""
    library.AIOKafkaConnection = Connection
