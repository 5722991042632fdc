"""Look at dead letters, and send them back once the cause is gone.

  headrace dead-letters list [--limit 20] [--reason invalid]
  headrace dead-letters replay [--reason bad_model] [--limit 100]

A replay sends the original bytes with their key to the topic that they came from. Kafka remembers what a
replay sent: a second replay sends only newer letters. A letter that fails again becomes a new letter.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from streams.commands.options import add_settings, settings_from
from streams.kafka.dead_letter_box import read_letters, replay_letters
from streams.settings.connections import KafkaSettings

VALUE_SHOWN = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="list|replay", required=True)
    listing = actions.add_parser("list", help="show the latest dead letters")
    listing.add_argument("--limit", type=int, default=20, help="how many of them (default: 20; 0: all)")
    replaying = actions.add_parser("replay", help="send them back to their topics")
    replaying.add_argument("--limit", type=int, default=0, help="only this many, the oldest (default: all)")
    for action in (listing, replaying):
        action.add_argument("--reason", default="", metavar="CODE", help="only those with this reason")
        add_settings(action)


def run(args: argparse.Namespace) -> int:
    kafka = settings_from(args).kafka
    if args.action == "list":
        asyncio.run(_list(kafka, args.reason, args.limit))
    else:
        asyncio.run(_replay(kafka, args.reason, args.limit))
    return 0


async def _list(kafka: KafkaSettings, reason: str, limit: int) -> None:
    letters = await read_letters(kafka, reason)
    table = Table("when", "from", "reason", "message", "key", "value", "replayed", box=None)
    for letter in letters[-limit:] if limit else letters:
        table.add_row(
            _when(letter.time_ms),
            f"{letter.topic}-{letter.partition}:{letter.offset}",
            letter.reason,
            _text(letter.why),
            _text(letter.key),
            _text(letter.value),
            "yes" if letter.replayed else "",
        )
    console = Console(markup=False, highlight=False)
    console.print(table)
    console.print(f"{len(letters)} dead letters{f' with reason {reason}' if reason else ''}")


async def _replay(kafka: KafkaSettings, reason: str, limit: int) -> None:
    done = await replay_letters(kafka, reason, limit)
    for name, count in sorted(done.sent.items()):
        print(f"{name}: {count}")
    print(f"{done.sent.total()} dead letters sent again")
    if done.foreign:
        print(f"{done.foreign} left out: they came from topics of another deployment")
    if done.parts:
        print(f"{done.parts} left out: they are no whole records (undecodable, or cut)")


def _when(time_ms: int) -> str:
    try:
        return datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"


def _text(value: bytes | str | None) -> str:
    """The bytes as text for people, on one line and without control characters."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value or ""
    shown = "".join(letter if letter.isprintable() else "�" for letter in text[: VALUE_SHOWN + 1])
    return shown if len(shown) <= VALUE_SHOWN else shown[: VALUE_SHOWN - 1] + "…"
