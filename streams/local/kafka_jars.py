"""The jars of Apache Kafka, from Maven Central by `jgo`, once for each user; a cache keeps them.

The folder appears whole or not at all: the code collects and checks the jars beside it, and one rename puts
them in place. So a broken download, or two downloads at once, leave nothing half done.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from model.errors import LocalStackError
from streams.local.wheels import from_demo_extra

KAFKA_VERSION = "4.1.1"
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
# The output of `sha256sum *.jar` in the folder that `kafka_jars` returns; renew it with the versions above.
CHECKSUMS = Path(__file__).with_name("kafka_jars.sha256")


def kafka_jars(cache: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of Kafka's jars; downloads them if they are missing."""
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
            if not folder.is_dir():  # another process may have been first, with the same jars
                raise
    return folder


def download(work: Path) -> list[Path]:
    """Fetch the jars into `work`, not into the user's Maven repository: a file there may be incomplete."""
    jgo = from_demo_extra("jgo")
    context = jgo.MavenContext(repo_cache=work / "repository", timeout=60)
    builder = jgo.EnvironmentBuilder(context=context, cache_dir=work / "environments")
    try:
        return list(builder.from_endpoint(COORDINATES).all_jars)
    # jgo has no exception of its own: it raises RuntimeError, OSError and those of its HTTP client.
    except Exception as error:
        raise LocalStackError(
            f"can't download Apache Kafka from Maven Central ({COORDINATES}): {error};"
            " check the network and try again, or name a running broker"
        ) from error


def verify(jars: Iterable[Path], checksums: Path) -> None:
    """Raise `LocalStackError` unless each jar is one of `checksums` (in `sha256sum`'s format), unchanged."""
    pinned = {name: digest for digest, name in (line.split() for line in checksums.read_text().splitlines())}
    for jar in jars:
        digest = hashlib.sha256(jar.read_bytes()).hexdigest()
        if pinned.get(jar.name) != digest:
            raise LocalStackError(
                f"{jar.name} has SHA-256 {digest}, expected {pinned.get(jar.name, 'no such jar')}"
                f" ({checksums.name}). Headrace uses nothing of it; try again, and if that does not help,"
                " find out who changed the jar"
            )
