"""Make the search index anew, from the records of all items in the store.

  headrace search rebuild
  headrace search rebuild --url http://127.0.0.1:8090
  headrace search rebuild --folder var/search

Without --folder, a running gateway or ranker is asked to do it; its former index answers until the new one
is whole. It must be asked from its own machine. With --folder, the index in that folder (`search.folder`) is
made anew while nobody has it open: the next process that starts finds it there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path

import msgspec

from model.errors import SettingsError
from streams.commands.options import add_settings, settings_from
from streams.settings.tree import Settings

TIMEOUT_S = 3_600.0
PATH = "/v1/admin/search/rebuild"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["rebuild"], help="what is done")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="of a running gateway or ranker (that of the settings' gateway)")
    where.add_argument("--folder", type=Path, help="an index on disk that nobody has open")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    if args.folder is not None:
        print(f"{asyncio.run(in_folder(settings, args.folder))} items in {args.folder}")
        return 0
    gateway = settings.gateway
    print(f"{asked(args.url or f'http://{_written(gateway.host)}:{gateway.port}')} items")
    return 0


def asked(url: str) -> int:
    """Have the process at `url` do it; how many items its index has. Raises `SettingsError`."""
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"--url is {url!r}; expected http://HOST:PORT")
    request = urllib.request.Request(f"{url.rstrip('/')}{PATH}", b"", method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return int(json.load(answer)["items"])
    except urllib.error.HTTPError as error:
        raise SettingsError(f"{url} did not make its search index anew: {error.read().decode()}") from None
    except OSError as error:
        raise SettingsError(
            f"expected a gateway or ranker at {url}, got: {error}; name it with --url, or an index on disk"
            " with --folder"
        ) from None


async def in_folder(settings: Settings, folder: Path) -> int:
    """Make the index in a folder anew; how many items it has."""
    from streams.search import kept
    from streams.search.index import SearchIndex
    from streams.serving.item_search import fill
    from streams.stores.redis.store import RedisStore

    search = msgspec.structs.replace(settings.search, folder=str(folder))
    store = RedisStore(settings.redis)
    try:
        made = SearchIndex(search, folder=kept.begin(folder))
        await fill(made, store, await store.interned(0))
    finally:
        await store.close()
    made.words.close()
    assert made.folder is not None
    kept.adopt(made.folder)
    return len(made.words)


def _written(host: str) -> str:
    """A host as it stands in a URL; an address for all is asked on loopback."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
