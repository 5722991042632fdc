"""The jars of Apache Kafka, resolved from Maven Central by `jgo` once for each user, then kept.

The folder appears whole or not at all: jars are gathered beside it, and one rename puts them in place. So a
download that was cut off, or two processes that download at once, leave nothing half done.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jgo

from model.errors import LocalStackError

KAFKA_VERSION = "4.1.1"
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"


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


def kafka_jars(cache: Path) -> Path:
    """The folder that holds Kafka's jars; they are downloaded (45 MB) where they are not there yet."""
    folder = cache / f"kafka-{KAFKA_VERSION}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=cache) as work:
        gathered = Path(work) / "jars"
        gathered.mkdir()
        for jar in _download(Path(work)):
            shutil.move(jar, gathered / jar.name)
        try:
            gathered.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same jars
                raise
    return folder


def _download(work: Path) -> list[Path]:
    """A repository of its own, not the user's Maven one: that one may hold files that were cut off."""
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
