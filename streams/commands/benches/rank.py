"""Rankings on request: how fast the gateway ranks a caller's own items, and what one costs.

  headrace bench rank --items 100,300 --rate 200
  headrace bench rank --items 100 --rate 0 --clients 4
  headrace bench rank --items 100 --rate 200 --feeds 500

The gateway ranks in its own process (`ranker.where`), or with --rankers N in N others, with the demo's model
over ml-100k. The items of each request are drawn at random; nothing of it counts as shown. --feeds reads
feeds beside: rankings must not hold them up.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from streams.commands.benches.benchmark import (
    add_feeds,
    add_model,
    add_rankers,
    add_requests,
    check_ranker,
    numbers,
    request_options,
)
from streams.commands.options import settings_from

if TYPE_CHECKING:
    from streams.bench.cases import Result

UNIT = "a ranking"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_requests(parser, clients="16")
    parser.set_defaults(rate=200.0)
    parser.add_argument(
        "--items", default="100,300", metavar="N,N,...", help="of one request, in turn (100,300)"
    )
    parser.add_argument("--n", type=int, default=10, metavar="N", help="places of the answer (10)")
    add_rankers(parser)
    add_feeds(parser)
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.gateway_load import GatewayStep, measure_requests
    from streams.bench.gateway_report import gateway_report

    settings = settings_from(args)
    check_ranker(args, settings)
    clients = [int(count) for count in numbers("--clients", args.clients, whole=True)]
    items = [int(count) for count in numbers("--items", args.items, whole=True)]
    steps = tuple(
        GatewayStep(clients=count, rate=args.rate, n=args.n, per_request=each, feeds=args.feeds)
        for count in clients
        for each in items
    )
    return gateway_report(
        partial(measure_requests, "rank"),
        "Rankings on request",
        UNIT,
        request_options(args, steps, rankers=args.rankers),
        settings,
        each="items",
    )
