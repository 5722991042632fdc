"""Serve the HTTP API: events in, feeds out.

  headrace gateway --port 8080

Starts whether or not Kafka and Redis answer; `GET /readyz` says when they do. SIGTERM and Ctrl-C let requests and
waiting impressions finish, within `gateway.drain_deadline_s`. More gateways may run side by side.
"""

from __future__ import annotations

import argparse
import logging

from msgspec.structs import replace

from streams.commands.options import add_settings, settings_from
from streams.gateway.serve import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--host", help="the address to listen on (gateway.host)")
    parser.add_argument("--port", type=int, help="the port to listen on, 0 for a free one (gateway.port)")


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    gateway = settings.gateway
    if args.host is not None:
        gateway = replace(gateway, host=args.host)
    if args.port is not None:
        gateway = replace(gateway, port=args.port)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    serve(replace(settings, gateway=gateway))
    return 0
