"""Who is told of the items that a replica reads and follows."""

from __future__ import annotations

from typing import Protocol

from streams.state.catalog import ItemRecord
from streams.state.knowledge_graph import Graph


class ItemWatch(Protocol):
    """Called in the core's thread, in the order of the changes."""

    def reading(self, graph: Graph | None) -> None:
        """The items are read from the store, all of them; `graph`: how they are related."""
        ...

    def note(self, row: int, record: ItemRecord) -> None:
        """An item as it now is."""
        ...

    def have_read(self) -> None:
        """All items of the store have been noted since `reading`; what is noted now is new."""
        ...
