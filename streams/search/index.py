"""What search knows of the items: their words, their spelling, their names. It follows them as they change.

Whoever brings changes (`note`) is the core's thread. `commit` runs beside it, on a timer, so no query waits
for a writer: a change is found after the next commit. Queries are understood, and words searched, in any
thread, also several at a time: what `understand` and `words.search` read is exchanged or grows in one step.
"""

from __future__ import annotations

import itertools
import logging
from array import array
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.search.completions import Beginnings, PastQueries
from streams.search.documents import ItemDocument, document_of
from streams.search.intent import Names
from streams.search.pace import Pace
from streams.search.pinyin import Pinyin
from streams.search.queries import Understood, understand
from streams.search.remembered import Remembered
from streams.search.titles import Titles
from streams.search.typos import Spelling as SpellingTable
from streams.search.waiting import Change, Mark, Waiting
from streams.search.whole_words import whole_words
from streams.search.word_queries import Spelling
from streams.search.words import Having, Hits, Words
from streams.settings.search import SearchSettings
from streams.state.catalog import ItemRecord
from streams.state.knowledge_graph import Graph

log = logging.getLogger(__name__)

SOON, MOST_AT_ONCE = 5_000, 15_000
"""Documents of the first commit, and about the most of one: the first items of a large catalogue are found
before the last ones are read.
"""
KEPT = 2_000
"""Queries of which it is kept how they were understood and what their words found, some 4 KiB each."""
KEPT_WHOLE = 64
"""Queries of which all items are kept that have their words: who chooses a facet asks for the same words."""
COMMITS = 7
"""After the first one, so many commits make the index of a catalogue that waits as a whole: tantivy merges
eight segments of like size into one, and a search pays for each segment.
"""


class SearchIndex:
    """`titles`: by row. `priced`: whether any item has a price. `folder`: see `Words`. `committed`: how many
    documents were indexed.
    """

    def __init__(
        self, settings: SearchSettings, graph: Graph | None = None, folder: Path | None = None
    ) -> None:
        self.settings, self.graph, self.folder = settings, graph, folder
        self.pace = Pace()
        self.words = Words(folder, settings.fields, settings.languages, self.pace)
        self.table = SpellingTable(self.pace)
        self.pinyin = Pinyin()
        self.names = Names(self.words.spoken()[0])
        self.categories, self.makers = Beginnings(), Beginnings()
        self.queries = PastQueries(settings.kept_queries, settings.kept_from)
        self.titles = Titles()
        self.priced = False
        self.committed = 0
        self._understood: Remembered[str, Understood] = Remembered(KEPT)
        self._found: Remembered[tuple[tuple[Spelling, ...], ...], Hits] = Remembered(KEPT)
        self._held: Remembered[tuple[tuple[tuple[Spelling, ...], ...], tuple[int, ...]], float] = Remembered(
            KEPT
        )
        self._having: Remembered[tuple[tuple[Spelling, ...], ...], Having] = Remembered(KEPT_WHOLE)
        self._changes = Waiting()
        self._reading: array[int] | None = None
        self._kept: NDArray[np.int64] | None = None
        self._lived: set[int] | None = None
        self._behind: list[ItemDocument] = []
        self._listed = set[tuple[str, str]]()
        self._learned_graph = False

    def note(self, row: int, record: ItemRecord) -> None:
        """An item as it now is. It is found after the next commit."""
        if self._reading is not None:
            self._reading.append(row)
        self._changes.note(row, record)

    def begin_filling(self) -> None:
        """The store is read beside what is noted, until `filled`."""
        self._lived = set()

    def fill(self, row: int, record: ItemRecord) -> None:
        """An item as it was when the store was read. What was noted of it meanwhile is newer."""
        self._changes.note(row, record, stored=True)

    def filled(self) -> None:
        """All of the store was filled in, and committed."""
        self._lived = None

    def reading(self) -> None:
        """All items are noted from here on: the store is read anew, and may be another one."""
        self._reading = array("q")

    def have_read(self) -> None:
        """They have been: the next commit forgets what was not among them."""
        if self._reading is not None:
            self._changes.mark(Mark(np.array(self._reading, np.int64)))
            self._reading = None

    @property
    def being_read(self) -> bool:
        """Whether a reading has begun that has not ended."""
        return self._reading is not None

    def knows(self, graph: Graph | None) -> None:
        """How items are related."""
        self.graph = graph

    @property
    def waiting(self) -> int:
        """How many changes are not found yet."""
        return len(self._changes) + len(self._behind) + (self._kept is not None)

    def commit(self) -> int:
        """Index what was noted; how many documents have changed. What can't be written now is tried again
        with the next call; raises `ValueError` or `OSError` then.
        """
        if not self.waiting and not self._to_learn_graph:
            return 0
        self.pace.begin()
        kept = self._understood, self._found, self._held, self._having
        with ExitStack() as changing:
            for each in kept:
                changing.enter_context(each.changing())
            return self._commit()

    def _commit(self) -> int:
        changed = 0
        while self.waiting:
            self._take()
            made = self.words.put(self._behind)
            self.table.learn(itertools.chain.from_iterable(made))
            self.names.speak(self.words.spoken()[0])
            for document in self.pace.over(self._behind):
                self._learn(document)
            self._behind = []
            self.pinyin.learn(set[str]().union(*made))  # behind all else: the first time it reads its table
            changed += len(made)
            if self._kept is not None:
                self.words.keep_only(self._kept)
                self._kept = None
        self._learn_graph()
        self.committed += changed
        return changed

    def _take(self) -> None:
        """Some of what was noted, as documents; up to a reading's end, which says what is kept."""
        most = self._at_once()
        taken = 0
        while taken < most and (part := self._changes.take()) is not None:
            if isinstance(part, Mark):
                self._kept = part.kept
                return
            taken += len(part)
            self._put_behind(part)

    def _put_behind(self, changes: Iterable[Change]) -> None:
        for change in self.pace.over(changes):
            if self._lived is not None:
                if change.stored and change.row in self._lived:
                    continue
                if not change.stored:
                    self._lived.add(change.row)
            self._behind.append(document_of(change.row, change.record))

    def _at_once(self) -> int:
        """How many documents the next commit has."""
        indexed = len(self.words)
        if not indexed:
            return SOON
        behind = indexed + len(self._changes) - SOON
        return min(max(-(-behind // COMMITS), SOON), MOST_AT_ONCE)

    def read_back(self) -> None:
        """Learn spelling and pronunciation of what a folder already had."""
        vocabulary = self.words.vocabulary()
        self.table.learn_counts(vocabulary)
        self.pinyin.learn(term for term, _ in vocabulary)

    def understand(self, text: str) -> Understood:
        """What a query asks for."""
        return self._understood.of(
            text, lambda: understand(text, self.words, self.table, self.pinyin, self.names, self.priced)
        )

    def forget_queries(self) -> None:
        """Understand and search each query anew, as after a change."""
        self._understood.forget()
        self._found.forget()
        self._held.forget()
        self._having.forget()

    def understood(self, text: str) -> Understood | None:
        """The same, where it is at hand."""
        return self._understood.at_hand(text)

    def best(self, asked: Understood) -> Hits:
        """The `search.per_list` best of all items by the words of a query."""
        words = tuple(map(tuple, asked.looked_for))
        return self._found.of(words, lambda: self.words.search(words, self.settings.per_list))

    def held(self, asked: Understood, rows: NDArray[np.int32]) -> float:
        """Which share of the words of a query these items have; see `Words.held`."""
        words = tuple(map(tuple, asked.asked))
        return self._held.of((words, tuple(rows.tolist())), lambda: self.words.held(words, rows))

    def having(self, asked: Understood) -> Having:
        """All items that have the words of a query, `search.matches` at most; see `Words.having`."""
        words = tuple(map(tuple, asked.asked))
        return self._having.of(words, lambda: self.words.having(whole_words(words), self.settings.matches))

    def best_known(self, asked: Understood) -> Hits | None:
        """The same, where it is at hand."""
        return self._found.at_hand(tuple(map(tuple, asked.looked_for)))

    def _learn(self, document: ItemDocument) -> None:
        self.titles.put(document.row, document.title)
        self.priced |= document.priced
        self.names.learn(document)
        self._list("category", self.categories, document.category_names)
        self._list("maker", self.makers, (maker for _, maker in document.maker_names))

    def _list(self, kind: str, beginnings: Beginnings, names: Iterable[str]) -> None:
        for name in names:
            if (kind, name) not in self._listed:
                self._listed.add((kind, name))
                beginnings.add(name)

    @property
    def _to_learn_graph(self) -> bool:
        """Once the language of the items is known, by which names are told."""
        return self.graph is not None and not self._learned_graph and len(self.words) > 0

    def _learn_graph(self) -> None:
        if self._to_learn_graph and self.graph is not None:
            self.names.learn_graph(self.graph)
            self._learned_graph = True
