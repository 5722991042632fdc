"""Rank on request in a process of its own: the gateway's routes, for gateways to ask.

  headrace ranker --port 8090
  HEADRACE_RANKER__WHERE=elsewhere HEADRACE_RANKER__ADDRESSES=http://127.0.0.1:8090 headrace gateway

A ranker follows what the workers write, and writes nothing to the store. It logs what it shows to Kafka. Run
as many as the load needs, with the settings of the workers; `GET /readyz` says when one is ready. On SIGTERM
and Ctrl-C it finishes what it was asked for, within `gateway.drain_deadline_s`.
"""

from __future__ import annotations

import argparse
import logging
import os

import msgspec

from streams.commands.options import add_settings
from streams.gateway.serve import serve
from streams.settings.reading import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument("--host", help="the address to listen on (ranker.host)")
    parser.add_argument("--port", help="the port to listen on, 0 for a free one (ranker.port)")


def run(args: argparse.Namespace) -> int:
    given = {"HEADRACE_RANKER__HOST": args.host, "HEADRACE_RANKER__PORT": args.port}
    environ = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    settings = load(args.settings, environ)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ranker = msgspec.structs.replace(settings.ranker, where="here")
    gateway = msgspec.structs.replace(settings.gateway, host=ranker.host, port=ranker.port)
    serve(msgspec.structs.replace(settings, ranker=ranker, gateway=gateway), name="ranker")
    return 0
