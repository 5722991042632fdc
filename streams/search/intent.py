"""What a query names: categories, makers, and entities of the knowledge graph.

A name is understood where the query has all of its words side by side. The longest name is taken first. It
moves scores and never filters: a word may name a category and mean something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.search.analysis import terms
from streams.search.chinese import mainland, simplified
from streams.search.documents import ItemDocument
from streams.search.languages import stem
from streams.state.catalog import Catalog
from streams.state.knowledge_graph import Graph

LONGEST_NAME = 6
"""Terms. A name of more is not looked for."""
MOST_NAMES = 200_000
MOST_ENTITY_ITEMS = 500
PATH_MARKS = (">", "|", "/", "›", "»", "::")
"""Between the steps of a category, from the widest to the closest."""

Kind = Literal["category", "maker", "entity"]


class Named(NamedTuple):
    """`attribute`: of a maker. `node`: of an entity."""

    kind: Kind
    name: str
    attribute: str = ""
    node: int = -1


class Names:
    """Names by the stems of their terms, so that "guitar" names "Guitars"; `language` is that of the stems.

    One thread may learn while another one finds.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._named: dict[tuple[str, ...], tuple[Named, ...]] = {}
        self._known: dict[tuple[str, str], Named] = {}

    def speak(self, language: str) -> None:
        """Most items turn out to be in this language."""
        if language != self.language:
            anew = Names(language)
            for (_, name), named in self._known.items():
                anew._add(named, name)
            self.language, self._named, self._known = language, anew._named, anew._known

    def learn(self, document: ItemDocument) -> None:
        """The categories and makers of an item. They stay when the item goes: then they move nothing."""
        for category in document.category_names:
            self._add(Named("category", category), category)
        for attribute, maker in document.maker_names:
            self._add(Named("maker", maker, attribute), maker)

    def learn_graph(self, graph: Graph) -> None:
        """The entities of a graph that have a name and items."""
        for node, name in enumerate(graph.names):
            if name and graph.start[node] < graph.start[node + 1]:
                self._add(Named("entity", name, node=node), name)

    def _add(self, named: Named, name: str) -> None:
        if (named.kind + named.attribute, name) in self._known or len(self._known) >= MOST_NAMES:
            return
        self._known[named.kind + named.attribute, name] = named
        for part in _parts(name) if named.kind == "category" else [name]:
            for spelling in dict.fromkeys((part, simplified(part), mainland(part))):
                made = self._keys(terms(spelling))
                if 0 < len(made) <= LONGEST_NAME:
                    self._named[made] = (*self._named.get(made, ()), named)

    def find(self, asked: Sequence[str]) -> list[Named]:
        """What is named by the terms of a query."""
        keys, found, at = self._keys(asked), dict[Named, None](), 0
        while at < len(keys):
            for length in range(min(LONGEST_NAME, len(keys) - at), 0, -1):
                if named := self._named.get(keys[at : at + length]):
                    found.update(dict.fromkeys(named))
                    at += length - 1
                    break
            at += 1
        return list(found)

    def _keys(self, asked: Iterable[str]) -> tuple[str, ...]:
        return tuple(stem(term, self.language) for term in asked)


def _parts(category: str) -> list[str]:
    """A category and, where its name is a path, its last step."""
    last = category
    for mark in PATH_MARKS:
        last = last.rpartition(mark)[2]
    return [category] if last == category or not last.strip() else [category, last]


def rows_named(
    named: Iterable[Named], catalog: Catalog, graph: Graph | None, row_of: NDArray[np.int32] | None
) -> list[NDArray[np.bool_]]:
    """Which items each name is of: bool [n]. row_of: the row of each node of the graph, -1 for none."""
    items, masks = len(catalog), []
    for each in named:
        if each.kind == "category":
            masks.append(catalog.facets.having_any([("category", "", each.name)], items))
        elif each.kind == "maker":
            masks.append(catalog.facets.having_any([("attribute", each.attribute, each.name)], items))
        elif graph is not None and row_of is not None:
            rows = row_of[graph.neighbour[graph.start[each.node] : graph.start[each.node + 1]]]
            mask = np.zeros(items, np.bool_)
            mask[rows[(rows >= 0) & (rows < items)][:MOST_ENTITY_ITEMS]] = True
            masks.append(mask)
    return masks
