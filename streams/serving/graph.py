"""The knowledge graph of the settings, read once, at the start of a worker."""

from __future__ import annotations

import logging

from streams.datasets.triples import read_graph
from streams.settings.ranking import GraphSettings
from streams.state.knowledge_graph import Graph

log = logging.getLogger(__name__)


def load_graph(settings: GraphSettings) -> Graph | None:
    """The graph, None where the settings name none; raises `DataError` where it can't be read."""
    read = read_graph(settings)
    if read is None:
        return None
    for note in read.notes:
        log.info("%s", note)
    for file, count in read.bad.by_file().items():
        first = next(row for row in read.bad.first(len(read.bad)) if row.file == file)
        log.warning("%s: %d rows left out, the first: %s", file, count, first)
    return read.graph
