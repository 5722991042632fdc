"""Train the model in force on the examples that the workers log (examples.folder), again and again.

  headrace renew --every 6h
  headrace renew --once

Once the workers have logged enough examples, a process of its own fine-tunes the model on them, exports and
checks it, and compares it with its parent on the newest examples. If the new model is better beyond the
noise, the command activates it; if not, the registry keeps it under its name, and the model in force stays.
Only one renewal runs at a time; SIGTERM ends it, and the next start goes on from there. A renewal that
somebody asks for (POST /v1/admin/renewal) begins within seconds. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import sys
from pathlib import Path

from model.errors import SettingsError
from streams.cancelling import cancelled
from streams.commands.options import add_settings, settings_from
from streams.settings.tree import Settings

CONFIRM_WITHIN_S = 60.0
NOT_DONE = 1
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--every", type=seconds, default=seconds("6h"), metavar="6h", help="s, m, h or d (6h)"
    )
    parser.add_argument("--once", action="store_true", help="do what is due now, and end")
    parser.add_argument("--examples", type=Path, metavar="FOLDER", help="from the settings: examples.folder")
    add_settings(parser)


def seconds(text: str) -> float:
    """
    >>> [seconds(each) for each in ("90s", "1.5h", "2d")]
    [90.0, 5400.0, 172800.0]
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if found is None or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number above 0 and a unit, such as 30m or 6h")
    return float(found[1]) * _UNITS_S[found[2]]


def run(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = settings_from(args)
    folder = args.examples or Path(settings.examples.folder)
    if folder == Path():
        raise SettingsError("examples.folder is not set, so workers log nothing; set it, or pass --examples")
    options = [] if args.settings is None else ["--settings", str(args.settings)]
    return asyncio.run(_run(settings, folder, options, args.every, args.once))


async def _run(settings: Settings, folder: Path, options: list[str], every_s: float, once: bool) -> int:
    from export.registry import Registry
    from streams.clock import SystemClock
    from streams.local.stopping import stop_event
    from streams.offline.renewal.child import run_child
    from streams.offline.renewal.desk import PROGRESS, RenewalDesk
    from streams.offline.renewal.renewal_state import only_one
    from streams.offline.renewal.service import Renewal
    from streams.serving.activation import activate, active
    from streams.serving.claim import claim
    from streams.serving.experiment_registry import named
    from streams.serving.retained_models import read_retained
    from streams.stores.redis.store import RedisStore

    # A renewal deletes old models: of what another namespace serves it can know nothing.
    claim(Path(settings.model.registry), settings.namespace, "model.registry")
    registry, stopped = Registry(Path(settings.model.registry)), stop_event()
    progress, clock = registry.folder / PROGRESS, SystemClock()

    async def train(parent: str, name: str) -> bool:
        command = [sys.executable, "-m", "streams.commands", "train", "--continue", "--examples", str(folder)]
        command += ["--from", parent, "--name", name, "--progress", str(progress), *options]
        return await run_child(command, stopped, lock)

    with only_one(registry.folder) as lock:
        store = RedisStore(settings.redis)

        async def to_stay() -> frozenset[str]:
            return await named(settings) | await read_retained(store)

        desk = RenewalDesk(store, clock, progress)
        renewal = Renewal(
            settings,
            registry,
            folder,
            in_force=lambda: active(settings),
            promote=lambda name: activate(settings, name, CONFIRM_WITHIN_S),
            train=train,
            clock=clock,
            named=to_stay,
            desk=desk,
        )
        telling = asyncio.create_task(desk.run(), name="the desk of renewals")
        try:
            if once:
                outcome = await renewal.told(await desk.take())
                return 0 if outcome in ("waiting", "kept", "promoted") else NOT_DONE
            await renewal.serve(every_s, stopped)
            return 0
        finally:
            await cancelled(telling)
            await store.close()
