"""The jars of Apache Kafka, resolved from Maven Central by `jgo` once for each user, then kept.

The folder appears whole or not at all: jars are gathered and checked beside it, and one rename puts them in
place. So a download that was cut off, or two processes that download at once, leave nothing half done.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from model.errors import LocalStackError
from streams.local.wheels import from_demo_extra

KAFKA_VERSION = "4.1.1"
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
# Made by `sha256sum *.jar` in the folder that `kafka_jars` returns; to be renewed with the versions above.
CHECKSUMS = Path(__file__).with_name("kafka_jars.sha256")


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where what was downloaded is kept: `HEADRACE_CACHE`, else `headrace` in the user's cache folder.

    >>> cache_folder({"XDG_CACHE_HOME": "/c"}).as_posix()
    '/c/headrace'
    >>> cache_folder({"HEADRACE_CACHE": "/mine", "XDG_CACHE_HOME": "/c"}).as_posix()
    '/mine'
    """
    if chosen := environ.get("HEADRACE_CACHE"):
        return Path(chosen)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headrace"


def kafka_jars(cache: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """The folder that holds Kafka's jars; they are downloaded where they are not there yet."""
    folder = cache / f"kafka-{KAFKA_VERSION}"
    if folder.is_dir():
        return folder
    progress(f"downloading Apache Kafka (45 MB, kept in {cache})")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=cache) as work:
        gathered = Path(work) / "jars"
        gathered.mkdir()
        for jar in download(Path(work)):
            shutil.move(jar, gathered / jar.name)
        verify(gathered.iterdir(), CHECKSUMS)
        try:
            gathered.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same jars
                raise
    return folder


def download(work: Path) -> list[Path]:
    """Fetch the jars into `work`. Not by way of the user's Maven repository: a file there may be cut off."""
    jgo = from_demo_extra("jgo")
    context = jgo.MavenContext(repo_cache=work / "repository", timeout=60)
    builder = jgo.EnvironmentBuilder(context=context, cache_dir=work / "environments")
    try:
        return list(builder.from_endpoint(COORDINATES).all_jars)
    # jgo has no exception of its own: RuntimeError, OSError and those of its HTTP client come through.
    except Exception as error:
        raise LocalStackError(
            f"Apache Kafka could not be downloaded from Maven Central ({COORDINATES}): {error};"
            " check the network and try again, or name a running broker"
        ) from error


def verify(jars: Iterable[Path], checksums: Path) -> None:
    """Raise `LocalStackError` unless each jar is one of `checksums` (in `sha256sum`'s format), unchanged."""
    pinned = {name: digest for digest, name in (line.split() for line in checksums.read_text().splitlines())}
    for jar in jars:
        found = hashlib.sha256(jar.read_bytes()).hexdigest()
        if pinned.get(jar.name) != found:
            raise LocalStackError(
                f"{jar.name} came with SHA-256 {found}; {pinned.get(jar.name, 'no such jar')} was expected"
                f" ({checksums.name}). Nothing of it is used; try again, and find out who changed it if that"
                " does not help"
            )
