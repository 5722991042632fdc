"""A connection that the client library has opened, with its TLS, password and database, taken over for good.

The library's private members are touched here alone (pyproject.toml bounds its version for that).
"""

from __future__ import annotations

import asyncio
from typing import Any

import hiredis
from redis._parsers.base import BaseParser
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError

INCOMPLETE = object()
"""What a reader gives while a reply is not whole yet."""


def taken_over(connection: AbstractConnection) -> asyncio.StreamWriter:
    """Its writer, which must be kept: it would close the transport if it went. The library has no part in it
    any more. Raises redis' `ConnectionError` where it was closed meanwhile.
    """
    writer = connection._writer
    if writer is None:
        raise ConnectionError("the connection was closed while it was opened")
    connection._reader = connection._writer = None
    return writer


def reply_reader() -> Any:
    """Parses replies as the library would, errors among them."""
    return hiredis.Reader(
        protocolError=ConnectionError, replyError=BaseParser.parse_error, notEnoughData=INCOMPLETE
    )
