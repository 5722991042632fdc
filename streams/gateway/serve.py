"""The gateway as a process: uvicorn on one port, drained on SIGTERM within a deadline."""

from __future__ import annotations

import logging
import math
import signal
import socket

import uvicorn

from model.errors import SettingsError
from streams import gc_pauses
from streams.clock import SystemClock
from streams.gateway.app import create_app
from streams.gateway.host_check import HostCheck
from streams.gateway.loopback import is_loopback
from streams.kafka.connection import mend_connections
from streams.kafka.producer import KafkaProducer
from streams.settings.sections import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.redis import RedisStore

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; blocks. Raises `SettingsError` where the gateway can't listen.

    `gateway.port` 0 takes a free port; a log line names the address.
    """
    gateway = settings.gateway
    listener = listen(gateway)
    # aiokafka logs each failed attempt as an error; our producer logs only when the connection changes.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    mend_connections()
    app = create_app(settings, RedisStore(settings.redis), KafkaProducer(settings.kafka), SystemClock())
    config = uvicorn.Config(
        HostCheck(app, gateway),
        interface="asgi3",
        loop="auto",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(gateway.drain_deadline_s),
    )
    host, port = listener.getsockname()[:2]
    log.info("gateway listens on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    if is_loopback(host):
        log.info("the gateway is open to everybody on this machine: it has no keys yet")
    else:
        log.warning(
            "the gateway is open: it has no keys yet, and whoever reaches %s may send events, and read and"
            " change items and profiles; let only those reach it who may",
            host,
        )
    # Uvicorn drains on a signal, then raises the signal again for the handler that was there before.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    gc_pauses.freeze()
    uvicorn.Server(config).run(sockets=[listener])


def listen(gateway: GatewaySettings) -> socket.socket:
    """A listening socket on the configured address."""
    try:
        family = socket.AF_INET6 if ":" in gateway.host else socket.AF_INET
        return socket.create_server((gateway.host, gateway.port), family=family, backlog=1_024)
    except OSError as error:
        raise SettingsError(
            f"gateway.host {gateway.host!r}, gateway.port {gateway.port}: expected an address to listen on, "
            f"got: {error}; set another address, or end the process that holds this one"
        ) from None
