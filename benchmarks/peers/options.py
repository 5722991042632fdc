"""The options of `python -m benchmarks.peers`."""

from __future__ import annotations

import argparse

from model.errors import SettingsError
from streams.commands.benches.benchmark import add_clients
from streams.commands.benches.output import add_output, check_output


def parser(description: str) -> argparse.ArgumentParser:
    """One command for each peer."""
    top = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    peers = top.add_subparsers(title="peers", metavar="PEER", dest="peer", required=True)
    gorse = _add(peers.add_parser("gorse", help="recommendations of users"), "http://127.0.0.1:8088")
    gorse.add_argument("--n", type=int, default=10, metavar="N", help="items of a recommendation (10)")
    metarank = _add(peers.add_parser("metarank", help="rankings of candidates"), "http://127.0.0.1:8080")
    metarank.add_argument("--model", default="demo", help="a model of its configuration (demo)")
    metarank.add_argument(
        "--candidates", default="100,300", metavar="N,N,...", help="items of a ranking (100,300)"
    )
    return top


def _add(peer: argparse.ArgumentParser, url: str) -> argparse.ArgumentParser:
    peer.add_argument("--url", default=url, help=f"where it answers ({url})")
    peer.add_argument("--events", type=int, metavar="N", help="load only the demo's first N events (half)")
    peer.add_argument("--loaded", action="store_true", help="it has been loaded before: only measure")
    peer.add_argument("--pid", default="", metavar="P,P,...", help="its processes here, to measure their CPU")
    loads = add_clients(peer, "1,8")
    loads.add_argument("--warm", type=float, default=3.0, metavar="S", help="of load before, uncounted (3)")
    loads.add_argument("--seed", type=int, default=7, metavar="N", help="of users, items and times (7)")
    add_output(peer, against=False)
    return peer


def check(args: argparse.Namespace) -> None:
    """Raise `SettingsError` for a number that means nothing, `DataError` for a file that can't be written."""
    for name, least, below in (
        ("rate", 0.0, float("inf")),
        ("seconds", 0.001, float("inf")),
        ("warm", 0.0, float("inf")),
        ("users", 1, float("inf")),
        ("seed", 0, 2**32),
        *([("events", 1, float("inf"))] if args.events is not None else []),
        *([("n", 1, float("inf"))] if args.peer == "gorse" else []),
    ):
        if not least <= getattr(args, name) < below:
            raise SettingsError(f"--{name} {getattr(args, name)}: expected a number, {least:g} or more")
    check_output(args)
