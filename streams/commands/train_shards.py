"""`headrace train --examples`: a model from shards of examples, which need not fit into memory."""

from __future__ import annotations

import argparse

from export.manifest import Manifest
from export.registry import Registry
from model.errors import SettingsError
from streams.commands.options import progress_bar
from streams.offline.building.from_shards import fit_shards
from streams.settings.tree import Settings


def run(args: argparse.Namespace, settings: Settings, registry: Registry) -> Manifest | None:
    """The registered model's manifest; None in all but the first of several processes."""
    if args.examples is None:
        raise SettingsError("nothing to learn from: pass --interactions, --examples, or --continue")
    return fit_shards(args.examples, settings, registry, args.name, progress_bar(), args.resume, args.keep)
