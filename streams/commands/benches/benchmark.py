"""What a benchmark's module has, and options that several of them share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from model.errors import SettingsError

if TYPE_CHECKING:
    from streams.bench.cases import Result
    from streams.bench.gateway_load import GatewayOptions, GatewayStep
    from streams.bench.worded import Spelt
    from streams.bench.world import BenchOptions
    from streams.settings.tree import Settings


class Benchmark(Protocol):
    """`UNIT`: what its CPU figures are for, with its article, as in "an event"."""

    UNIT: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def measure(self, args: argparse.Namespace) -> Result: ...


def add_load(parser: argparse.ArgumentParser) -> None:
    """How events are offered."""
    load = parser.add_argument_group("load")
    load.add_argument("--seconds", type=float, default=20.0, metavar="S", help="of load at each step (20)")
    load.add_argument("--arrivals", choices=["poisson", "constant"], default="poisson")
    load.add_argument("--users", type=int, default=1_000, metavar="U", help="users who act (1,000)")
    load.add_argument(
        "--items", type=int, default=0, metavar="N", help="a synthetic catalogue (ml-100k's items)"
    )
    load.add_argument("--per-request", type=int, default=1, metavar="N", help="events in one request (1)")
    load.add_argument("--connections", type=int, default=32, metavar="N", help="to the gateway (32)")
    load.add_argument("--direct", action="store_true", help="produce to Kafka, without the gateway")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Where the demo's model is; it is trained first if it is not there."""
    model = parser.add_argument_group("model")
    model.add_argument("--folder", type=Path, default=Path("var/demo"), help="where the model is (var/demo)")
    model.add_argument("--limit", type=int, metavar="N", help="train only on the first N events of ml-100k")


def model_folder(args: argparse.Namespace, settings: Settings) -> Path:
    """The demo's model, trained first if it is not there: its folder."""
    from rich.console import Console

    from streams.clock import SystemClock
    from streams.demo.prepare import DemoOptions, kept_model, prepared
    from streams.demo.progress import Steps

    options = DemoOptions(folder=args.folder, limit=args.limit)
    kept = kept_model(options, settings)
    if kept is not None:
        return kept
    with Steps(Console()) as steps:
        ready = prepared(options, settings, SystemClock(), steps.say)
    return Path(ready.settings.model.registry) / ready.model


def load_options(args: argparse.Namespace, rates: tuple[float, ...], workers: int) -> BenchOptions:
    """The options of `add_load` and `add_model`."""
    from streams.bench.world import BenchOptions

    return BenchOptions(
        rates=rates,
        seconds=args.seconds,
        arrivals=args.arrivals,
        users=args.users,
        items=args.items,
        per_request=args.per_request,
        connections=args.connections,
        direct=args.direct,
        workers=workers,
        folder=args.folder,
        limit=args.limit,
    )


def add_clients(parser: argparse.ArgumentParser, clients: str) -> argparse._ArgumentGroup:
    """How requests are made to any server; the group of these options."""
    load = parser.add_argument_group("load")
    load.add_argument(
        "--clients", default=clients, metavar="C,C,...", help=f"connections, in turn ({clients})"
    )
    load.add_argument(
        "--rate",
        type=float,
        default=0.0,
        metavar="R",
        help="requests a second; 0: as many as are answered (0)",
    )
    load.add_argument("--seconds", type=float, default=10.0, metavar="S", help="of load at each step (10)")
    load.add_argument("--users", type=int, default=1_000, metavar="U", help="users who act (1,000)")
    return load


def add_requests(parser: argparse.ArgumentParser, clients: str) -> None:
    """How requests are made to the gateway."""
    load = add_clients(parser, clients)
    load.add_argument("--workers", type=int, default=1, metavar="W", help="worker processes behind it (1)")


def add_feeds(parser: argparse.ArgumentParser) -> None:
    """Reads of feeds beside what is measured."""
    parser.add_argument(
        "--feeds", type=float, default=0.0, metavar="R", help="reads of feeds a second beside, timed too (0)"
    )


def add_rankers(parser: argparse.ArgumentParser) -> None:
    """Who ranks."""
    parser.add_argument(
        "--rankers",
        type=int,
        default=0,
        metavar="N",
        help="processes that rank beside the gateway; 0: it does so itself (0)",
    )


def check_ranker(args: argparse.Namespace, settings: Settings) -> None:
    """Raises `SettingsError` where nobody would rank with a model, or others than are asked for."""
    if settings.ranker.where != "here":
        raise SettingsError(
            f'ranker.where is "{settings.ranker.where}"; this measures a ranker that is "here", and with'
            " --rankers starts others"
        )
    if not 0 <= args.rankers <= 64:
        raise SettingsError(f"--rankers {args.rankers}: expected from 0 to 64")
    if args.workers < 1:
        raise SettingsError(f"--workers {args.workers}: expected 1 or more, since they bring the model")
    if not 0 <= args.feeds < float("inf"):
        raise SettingsError(f"--feeds {args.feeds:g}: expected reads a second, or 0")


def request_options(
    args: argparse.Namespace,
    steps: tuple[GatewayStep, ...],
    items: int = 0,
    worded: bool = False,
    rankers: int = 0,
    spelt: Spelt = "random",
) -> GatewayOptions:
    """The options of `add_requests` and `add_model`; raises `SettingsError`. items: of a synthetic catalogue,
    0 for ml-100k's; worded: whether these have titles and texts, spelt: of what words.
    rankers: see `GatewayOptions`.
    """
    from streams.bench.gateway_load import GatewayOptions
    from streams.bench.world import BenchOptions

    if not 0 <= args.rate < float("inf"):
        raise SettingsError(f"--rate {args.rate:g}: expected requests a second, or 0")
    world = BenchOptions(
        users=args.users,
        workers=args.workers,
        items=items,
        worded=worded,
        spelt=spelt,
        folder=args.folder,
        limit=args.limit,
    )
    return GatewayOptions(steps, args.seconds, world=world, rankers=rankers)


def numbers(option: str, text: str, whole: bool = False) -> tuple[float, ...]:
    """Numbers above 0 with commas between; raises `SettingsError`.

    >>> numbers("--rates", "100,300")
    (100.0, 300.0)
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < value < float("inf") for value in found):
        raise SettingsError(f"{option} {text}: expected numbers above 0 with commas between, as in 100,300")
    if whole and any(value % 1 for value in found):
        raise SettingsError(f"{option} {text}: expected whole numbers, as in 1,2,4")
    return found
