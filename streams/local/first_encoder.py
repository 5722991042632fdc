"""The text encoder of a first start: an empty registry gets one, so that texts have a meaning from the first
item on, without a training.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from export.registry import Registry
from model.universal import UNIVERSAL
from streams.local.environment import environment
from streams.local.processes import ChildProcess
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore

DEADLINE_S = 300.0


def make_first_encoder(settings: Settings, logs: Path, say: Callable[[str], None]) -> None:
    """Make it where `model.make_encoder` says so and the registry has none. The store must run.

    Where it can't be made, that is said, and the system goes on without one: searches go by words alone.
    """
    model = settings.model
    if (
        not model.make_encoder
        or model.text_encoder != UNIVERSAL
        or Registry(Path(model.registry)).text.names()
    ):
        return
    if noted := asyncio.run(_noted(settings)):
        # Another one would not do: the numbers of two encoders do not compare.
        say(
            f"the store's texts were read by text encoder {noted!r}, and {model.registry} has none: texts "
            "are left out. Set model.registry to the registry that the store was with"
        )
        return
    say(f"making the text encoder in {model.registry}/text, once (model.make_encoder)")
    # A child's memory goes with it.
    command = [sys.executable, "-m", "streams.commands", "encoder"]
    with ChildProcess("text encoder", command, logs / "text-encoder.log", environment(settings)) as child:
        ended = child.wait(DEADLINE_S)
        if not ended or child.returncode:
            why = child.tail(1) if ended else f"it took longer than {DEADLINE_S:.0f} s"
            say(f"there is no text encoder, so searches go by words alone: {why}")


async def _noted(settings: Settings) -> str | None:
    """By which encoder the store's texts were read; None where there are none yet."""
    store = RedisStore(settings.redis, settings.state, settings.learning)
    try:
        return await store.text_encoder()
    finally:
        await store.close()
