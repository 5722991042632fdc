"""Copy the store to another number of shards, or to a Redis Cluster, once.

  headrace reshard --to-shards 12 --to-url redis://node-1:6379/0 --to-cluster

The settings say where the store is now. Stop all workers first. Nothing is changed or deleted there; once the
copy is whole, set redis.shards (and redis.url, redis.cluster) to it, and start the workers.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import msgspec

from model.errors import SettingsError
from streams.commands.options import add_settings, settings_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to-shards", type=int, required=True, help="the number of shards of the copy")
    parser.add_argument(
        "--to-url", default="", help="its server, or a node of its cluster (default: the same)"
    )
    parser.add_argument("--to-prefix", default=None, help="what its keys begin with (default: the same)")
    parser.add_argument("--to-cluster", action="store_true", help="it is a Redis Cluster")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    from streams.stores.redis.reshard import reshard
    from streams.stores.redis.store import check_layout

    settings = settings_from(args)
    source = settings.redis
    if args.to_shards < 1 or settings.kafka.partitions % args.to_shards:
        raise SettingsError(
            f"--to-shards is {args.to_shards}; expected a divisor of kafka.partitions,"
            f" which is {settings.kafka.partitions}"
        )
    target = msgspec.structs.replace(
        source,
        url=args.to_url or source.url,
        prefix=source.prefix if args.to_prefix is None else args.to_prefix,
        shards=args.to_shards,
        cluster=args.to_cluster,
    )
    check_layout(target)
    counts = asyncio.run(reshard(source, target, lambda line: print(line, file=sys.stderr)))
    print(", ".join(f"{kind} {count}" for kind, count in counts.items()))
    return 0
