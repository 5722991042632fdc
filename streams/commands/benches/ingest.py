"""Events in: how many the gateway accepts, how fast, and what one request costs each process.

  headrace bench ingest --clients 1,32 --seconds 10
  headrace bench ingest --clients 8 --per-request 1000

An event is accepted when all brokers that must have it have it. A step ends when the workers have folded all
events, and their CPU counts. --workers 0 measures the gateway alone.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from streams.commands.benches.benchmark import add_model, add_requests, numbers, request_options
from streams.commands.options import settings_from

if TYPE_CHECKING:
    from streams.bench.cases import Result

UNIT = "a request"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_requests(parser, clients="1,32")
    parser.add_argument("--per-request", default="1", metavar="N,N,...", help="events in one request (1)")
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.gateway_load import GatewayStep, measure_requests
    from streams.bench.gateway_report import gateway_report

    clients = [int(count) for count in numbers("--clients", args.clients, whole=True)]
    sizes = [int(size) for size in numbers("--per-request", args.per_request, whole=True)]
    steps = tuple(
        GatewayStep(clients=count, rate=args.rate, per_request=size) for size in sizes for count in clients
    )
    return gateway_report(
        partial(measure_requests, "events"),
        "Events in",
        UNIT,
        request_options(args, steps),
        settings_from(args),
    )
