"""Other recommenders under the load of `headrace bench`: the demo's items and events, then reads and events.

  python -m benchmarks.peers gorse --url http://127.0.0.1:8088 --clients 1,8
  python -m benchmarks.peers metarank --url http://127.0.0.1:8080 --candidates 100,300

benchmarks/peers/README.md says how each one is started. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

import uvloop

from benchmarks.peers.gorse import Gorse
from benchmarks.peers.measuring import check_alive, faults_of, load, measure, meter_of
from benchmarks.peers.metarank import Metarank
from benchmarks.peers.options import check, parser
from benchmarks.peers.peer import Address, Peer, address_of
from benchmarks.peers.world import demo_world
from model.errors import HeadraceError
from streams.bench.asking import Pace
from streams.bench.cases import Measured
from streams.bench.machine import this_machine
from streams.clock import SystemClock
from streams.commands.benches.benchmark import numbers
from streams.commands.benches.output import write_output

NOTES = [
    "A closed loop asks as soon as it is answered; an open one keeps to its rate, and counts from due times.",
    "Latency is that of right answers: status 200 and the body that the API's documentation says.",
]
API_KEY = "GORSE_SERVER_API_KEY"
FAILED, INTERRUPTED = 1, 130


def peer_of(args: argparse.Namespace) -> tuple[Peer, Address]:
    """The peer that the command names, and where it is; raises `SettingsError`."""
    if args.peer == "gorse":
        key = os.environ.get(API_KEY)  # a result names the options, and a key must not stand there
        address = address_of(args.url, {"X-API-Key": key} if key else {})
        return Gorse(address, args.n), address
    address = address_of(args.url)
    sizes = [int(size) for size in numbers("--candidates", args.candidates, whole=True)]
    return Metarank(address, args.model, sizes), address


async def run(args: argparse.Namespace) -> Measured:
    """Load the peer and measure it; raises `HeadraceError` in plain words."""
    peer, address = peer_of(args)
    clients = [int(count) for count in numbers("--clients", args.clients, whole=True)]
    pids = [int(pid) for pid in numbers("--pid", args.pid, whole=True)] if args.pid else []
    meter_of(peer.name, pids)
    await check_alive(peer, address)
    machine = this_machine()
    world = demo_world(args.users, args.events, SystemClock().now_ms())
    steps = peer.steps(world, args.seed)
    notes = [f"The requests follow {peer.api}.", *NOTES]
    if not args.loaded:
        sent = await load(peer, address, world, print)
        notes.append("Loaded before: " + ", ".join(f"{count:,} {what}" for what, count in sent.items()) + ".")
    paces = [Pace(count, args.rate, args.seconds, seed=args.seed) for count in clients]
    cases = await measure(peer.name, address, steps, paces, args.warm, pids)
    return Measured(
        title=f"{peer.name} under the load of headrace bench",
        unit="a request",
        machine=machine,
        cases=cases,
        options={"seconds": args.seconds, "users": args.users, "events": len(world.past)},
        notes=notes,
        faults=[fault for case in cases for fault in faults_of(case)],
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; 1 where it could not, or where the figures are worthless."""
    args = parser(__doc__ or "").parse_args(words)
    try:
        check(args)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(run(args))
        write_output(result, args)
    except HeadraceError as error:
        print(f"benchmarks.peers {args.peer}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    for problem in result.problems():
        print(f"problem: {problem}")
    return FAILED if result.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
