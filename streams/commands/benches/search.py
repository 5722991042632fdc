"""Searches over HTTP: how fast the gateway answers among many items, and what one costs.

  headrace bench search --items 100000 --rate 100
  headrace bench search --items 100000 --rate 100 --feeds 500

The gateway searches in its own process (`ranker.where`), or with --rankers N in N others, with the demo's
model. Items have titles of six words and texts of twenty, drawn by Zipf's law from 30,000; a query is three
words of one title, every fourth with a letter wrong. Words of random letters fall into many pieces for the
text encoder; --words known takes those that are one piece each, as most words of a real query are. Nothing of
it counts as shown. --feeds reads feeds beside: searches must not hold them up.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from model.errors import SettingsError
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

UNIT = "a search"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_requests(parser, clients="16")
    parser.set_defaults(rate=100.0)
    parser.add_argument("--items", type=int, default=100_000, metavar="N", help="of the catalogue (100,000)")
    parser.add_argument("--n", type=int, default=10, metavar="N", help="places of the answer (10)")
    parser.add_argument(
        "--words",
        choices=["random", "known"],
        default="random",
        help="of random letters, or words that the universal encoder knows (random)",
    )
    add_rankers(parser)
    add_feeds(parser)
    add_model(parser)


def measure(args: argparse.Namespace) -> Result:
    from streams.bench.gateway_load import GatewayStep, measure_requests
    from streams.bench.gateway_report import gateway_report

    settings = settings_from(args)
    check_ranker(args, settings)
    if not settings.search.enabled:
        raise SettingsError("search.enabled is false; this measures searches")
    if args.items < 1:
        raise SettingsError(f"--items {args.items}: expected 1 or more")
    clients = [int(count) for count in numbers("--clients", args.clients, whole=True)]
    steps = tuple(GatewayStep(clients=count, rate=args.rate, n=args.n, feeds=args.feeds) for count in clients)
    return gateway_report(
        partial(measure_requests, "search"),
        "Searches",
        UNIT,
        request_options(args, steps, items=args.items, worded=True, rankers=args.rankers, spelt=args.words),
        settings,
    )
