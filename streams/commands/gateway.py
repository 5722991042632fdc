"""Serve the HTTP API: events in, feeds out.

  headrace gateway --port 8080

The gateway starts even if Kafka and Redis do not answer; `GET /readyz` says when they do. On SIGTERM and
Ctrl-C it finishes requests and waiting impressions, within `gateway.drain_deadline_s`. Several gateways may
run side by side.
"""

from __future__ import annotations

import argparse
import logging
import os

from streams.commands.options import add_settings
from streams.gateway.serve import serve
from streams.settings.reading import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--host", help="the address to listen on (gateway.host)")
    parser.add_argument("--port", help="the port to listen on, 0 for a free one (gateway.port)")


def run(args: argparse.Namespace) -> int:
    given = {"HEADRACE_GATEWAY__HOST": args.host, "HEADRACE_GATEWAY__PORT": args.port}
    environ = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    settings = load(args.settings, environ)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    serve(settings)
    return 0
