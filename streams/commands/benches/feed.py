"""Reads of feeds: how many the gateway answers, how fast, and what one costs each process.

  headrace bench feed --clients 1,8 --seconds 10
  headrace bench feed --clients 8 --rate 3000

Each read is an impression, and workers fold it: a step ends when they have folded all of them, and their CPU
counts. --workers 0 measures the gateway alone.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from streams.commands.benches.benchmark import add_model, add_requests, numbers, request_options
from streams.commands.options import settings_from

if TYPE_CHECKING:
    from streams.bench.cases import Result

UNIT = "a read"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_requests(parser, clients="1,8")
    parser.add_argument("--n", type=int, default=10, metavar="N", help="places of a feed (10)")
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.gateway_load import GatewayStep, measure_requests
    from streams.bench.gateway_report import gateway_report

    clients = [int(count) for count in numbers("--clients", args.clients, whole=True)]
    steps = tuple(GatewayStep(clients=count, rate=args.rate, n=args.n) for count in clients)
    return gateway_report(
        partial(measure_requests, "feed"),
        "Reads of feeds",
        UNIT,
        request_options(args, steps),
        settings_from(args),
    )
