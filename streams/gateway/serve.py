"""The gateway as a process: uvicorn on one port, drained on SIGTERM within a deadline."""

from __future__ import annotations

import logging
import resource
import signal
import socket
import sys
from typing import TYPE_CHECKING

from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from model.errors import SettingsError
from streams import gc_pauses
from streams.clock import Clock, SystemClock
from streams.gateway.address_check import AddressCheck
from streams.gateway.app import create_app
from streams.gateway.host_check import HostCheck
from streams.gateway.loopback import is_loopback
from streams.gateway.server import GatewayServer
from streams.gateway.traced_requests import TracedRequests
from streams.gateway.traced_sink import TracedSink
from streams.kafka.connection import mend_connections
from streams.kafka.producer import EventSink, KafkaProducer
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.redis.store import RedisStore
from streams.tracing.tracing import open_tracing

if TYPE_CHECKING:
    from streams.serving.ranker import Ranker

log = logging.getLogger(__name__)

SWITCH_EVERY_S = 0.0005
"""Python's threads take turns so often: the loop that reads feeds waits no longer for the core's thread,
where that does not give up its turn by itself.
"""

FILES_BESIDE = 1_024
"""Files that a gateway may have open beside its live connections."""


def serve(settings: Settings, name: str = "gateway") -> None:
    """Serve until SIGTERM or SIGINT; blocks. Raises `SettingsError` where the gateway can't listen.

    `gateway.port` 0 takes a free port; a log line names the address. name: "ranker" for a process that is
    there to rank.
    """
    gateway = settings.gateway
    listener = listen(gateway)
    registry = CollectorRegistry()
    tracing = open_tracing(settings, f"headrace-{name}", registry)
    # aiokafka logs each failed attempt as an error; our producer logs only when the connection changes.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    mend_connections()
    store, clock = RedisStore(settings.redis), SystemClock()
    kafka = KafkaProducer(settings.kafka)
    producer: EventSink = kafka if tracing is None else TracedSink(kafka, tracing, clock)
    gateway_app = create_app(
        settings,
        store,
        producer,
        clock,
        registry,
        ranker=_ranker(settings, store, clock),
        ranks_alone=name == "ranker",
        tracing=tracing,
    )
    app: ASGIApp = gateway_app if tracing is None else TracedRequests(gateway_app, clock)
    server = GatewayServer(gateway_app, HostCheck(AddressCheck(app), gateway), settings)
    _allow_files(settings)
    host, port = listener.getsockname()[:2]
    log.info("%s listens on http://%s:%d", name, f"[{host}]" if ":" in host else host, port)
    if is_loopback(host):
        log.info("the %s is open to everybody on this machine: it has no keys yet", name)
    else:
        log.warning(
            "the %s is open: it has no keys yet, and whoever reaches %s may send events, and read and"
            " change items and profiles; let only those reach it who may",
            name,
            host,
        )
    # Uvicorn drains on a signal, then raises the signal again for the handler that was there before.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    gc_pauses.freeze()
    try:
        server.run(sockets=[listener])
    finally:
        if tracing is not None:
            tracing.close()


def _allow_files(settings: Settings) -> None:
    """Each connection is an open file, and the usual limit of a process is 1,024."""
    wanted = settings.live.connections_max + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    if most < wanted:
        log.warning(
            "live.connections_max is %d, and this process may open %d files: raise its limit (ulimit -n)",
            settings.live.connections_max,
            most,
        )


def _ranker(settings: Settings, store: Store, clock: Clock) -> Ranker | None:
    """The one of this process, where it has one."""
    if settings.ranker.where != "here":
        return None
    # Imported here: a gateway without one does without models and counters.
    from streams.serving.ranker import Ranker

    sys.setswitchinterval(SWITCH_EVERY_S)
    return Ranker(settings, store, clock)


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
