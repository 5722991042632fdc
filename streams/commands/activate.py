"""Switch the running workers to another model of the registry, without a pause.

  headrace activate ml-100k-2

The command first checks the model, if it can read the registry folder. It then sends the order through Kafka;
every worker loads the model beside the old one and swaps between two batches.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from export.manifest import Manifest, read_manifest, verify
from export.registry import Registry
from streams.commands.options import add_settings, settings_from
from streams.serving.activation import activate

NOT_CONFIRMED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="its name in the registry")
    parser.add_argument(
        "--wait-s", type=float, default=15.0, help="how long to wait for a worker to confirm (default: 15)"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    folder = Registry(Path(settings.model.registry)).get(args.model)
    manifest = read_manifest(folder, Manifest)
    verify(folder, manifest, manifest.required)
    if asyncio.run(activate(settings, args.model, args.wait_s)):
        print(f"{args.model} is active")
        return 0
    print(
        f"no worker has confirmed the order for {args.model} within {args.wait_s:g} s; check that one runs."
        " A refused order is among the dead letters (headrace dead-letters list --reason bad_model)"
    )
    return NOT_CONFIRMED
