"""Items by their words: a tantivy index that one thread writes and another reads.

Terms are made before (`analysis`), so nothing that anybody types is parsed as a query here. Every value is
checked before the writer sees it: one of a wrong type ends its thread, and with it all that was added since
the last commit. Where the writer breaks all the same, it is made anew and the document that broke it is left
out.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from streams.search.analysis import joined, terms
from streams.search.chinese import may_be_chinese, second_spelling
from streams.search.documents import FIELDS, ItemDocument
from streams.search.languages import LANGUAGES, language_of, stems
from streams.search.pace import Pace
from streams.search.whole_titles import WHOLE, names_in
from streams.search.whole_words import WholeWord
from streams.search.word_queries import ONLY_COUNTS, Spelling, WordQueries
from streams.settings.search import FieldWeights
from streams.state.columns import longer, room_for

log = logging.getLogger(__name__)

STEM = "~"
"""Stands before a stem, so that it is no word."""
LEAST_SHARE = 0.02
"""Part of the documents in a language from which queries may be in it."""
_HEAP_BYTES, _THREADS = 32_000_000, 1
_ANALYZER, _ROW, _DIGEST, _LANGUAGE = "terms", "row", "digest", "language"
_Q = tantivy.Query


class Hits(NamedTuple):
    """rows int32 [n], best first; scores float32 [n], above 0; whole: whether there are no more."""

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    whole: bool = True


NO_HITS = Hits(np.empty(0, np.int32), np.empty(0, np.float32))


class Having(NamedTuple):
    """rows int32 [n], ascending: of items that have some words; all: whether they have all of these words;
    whole: whether there are no more such items.
    """

    rows: NDArray[np.int32]
    all: bool = True
    whole: bool = True


class Words:
    """`folder`: where the index is kept; None for memory. `languages`: how many documents were told to be of
    each; `fixed`: those of the settings, where they name some.

    `put` is for one thread alone. `search` and `frequency` may be called in another one meanwhile: they see
    what was committed.
    """

    def __init__(
        self,
        folder: Path | None = None,
        weights: FieldWeights = FieldWeights(),
        fixed: Sequence[str] = (),
        pace: Pace | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self.weights = [(name, float(getattr(weights, name))) for name in FIELDS]
        self._searched = [(name, weight) for name, weight in self.weights if weight > 0]
        self.fixed, self.languages = tuple(fixed), Counter[str]()
        self.left_out = self.rebuilt = 0
        self._schema = _schema()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._index = tantivy.Index(self._schema, None if folder is None else str(folder))
        self._index.register_tokenizer(
            _ANALYZER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        )
        self._writer: tantivy.IndexWriter | None = self._index.writer(_HEAP_BYTES, _THREADS)
        self._searcher = self._index.searcher()
        self._digests, self._told = np.zeros(0, np.uint64), np.zeros(0, np.uint8)
        self._read_back()

    def __len__(self) -> int:
        """How many documents are found."""
        return int(self._searcher.num_docs)

    @property
    def segments(self) -> int:
        """Of how many parts the index consists. A search looks into each."""
        return int(self._searcher.num_segments)

    def spoken(self) -> tuple[str, ...]:
        """The languages of the texts, the most frequent first; English where no text has told any."""
        if self.fixed:
            return self.fixed
        told = self.languages.most_common()
        return tuple(name for name, n in told if n >= LEAST_SHARE * self.languages.total()) or ("english",)

    def changed(self, document: ItemDocument) -> bool:
        """Whether the index has not this very text under the row."""
        row = document.row
        return row >= len(self._digests) or self._digests[row] != document.digest

    def put(self, documents: Sequence[ItemDocument]) -> list[list[str]]:
        """Index what has changed and commit it; what is said of a row here replaces what was said before.
        Returns the terms of each document that was indexed.
        """
        latest = {document.row: document for document in documents}
        chosen = [document for document in self._pace.over(latest.values()) if self.changed(document)]
        if not chosen:
            return []
        made = [self._made(document) for document in self._pace.over(chosen)]
        self._write(made)
        self.show()
        return [each.terms for each in made]

    def keep_only(self, rows: NDArray[np.int64]) -> None:
        """Forget the documents of all other rows: they are of a store that was emptied since."""
        gone = np.setdiff1d(np.flatnonzero(self._digests), rows)
        if not len(gone):
            return
        writer = self._open_writer()
        for row in self._pace.over(gone.tolist()):
            writer.delete_documents_by_query(self._of(row))
        writer.commit()
        self._digests[gone] = 0
        self.show()

    def close(self) -> None:
        """Give the folder up; nothing is put any more."""
        self._writer = None

    def frequency(self, term: str) -> int:
        """In how many documents a term stands, a document counted once for each field that is searched."""
        count = self._searcher.doc_freq
        return sum([count(name, term) for name, weight in self.weights if weight > 0])

    def beginning(self, prefix: str, limit: int) -> list[tuple[str, int]]:
        """Terms with this beginning and how many documents have them, the most frequent first."""
        counts = Counter[str]()
        for name, weight in self.weights:
            if weight > 0:
                for term, count in self._searcher.terms_with_prefix(name, prefix, limit=limit):
                    counts[term] += count
        return [pair for pair in counts.most_common() if not pair[0].startswith((STEM, WHOLE))][:limit]

    def vocabulary(self) -> list[tuple[str, int]]:
        """All terms, and how many documents have them."""
        return self.beginning("", 10_000_000)

    def titles(self, whole: Sequence[str], begins: str, limit: int) -> Hits:
        """Items whose titles have all of these words, and one that begins so."""
        parts = [_Q.term_query(self._schema, "title", term, ONLY_COUNTS) for term in whole]
        parts.append(_Q.fuzzy_term_query(self._schema, "title", begins, 0, prefix=True))
        return self.ask(_Q.boolean_query([(tantivy.Occur.Must, part) for part in parts]), limit)

    def search(
        self, asked: Sequence[Sequence[Spelling]], limit: int, among: NDArray[np.int64] | None = None
    ) -> Hits:
        """The `limit` best items for some words, each with the spellings that will do for it. among: rows
        that may be found; None for all.
        """
        if not asked or (among is not None and not len(among)):
            return NO_HITS
        queries = self._queries()
        fields = {term: queries.fields_of(term) for spellings in asked for term, _ in spellings}
        if among is None:
            fewer = {term: queries.without_text(each, limit) for term, each in fields.items()}
            if fewer != fields:
                hits = self.ask(queries.any_of(asked, fewer), limit)
                if not hits.whole:  # else items that are no more were counted as having a word
                    return hits
        query = queries.any_of(asked, fields)
        if among is not None:
            only = _Q.const_score_query(_Q.term_set_query(self._schema, _ROW, among.tolist()), 0.0)
            query = _Q.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, only)])
        return self.ask(query, limit)

    def held(self, asked: Sequence[Sequence[Spelling]], rows: NDArray[np.int32]) -> float:
        """Which share of some words the items of these rows have, on average: from 0 to 1. A word counts by
        its rarity, and one that no item has as the rarest.
        """
        if not asked or not len(rows):
            return 0.0
        queries = self._queries()
        fields = {term: queries.fields_of(term) for spellings in asked for term, _ in spellings}
        query, most = queries.weighed(asked, fields)
        only = _Q.const_score_query(_Q.term_set_query(self._schema, _ROW, rows.tolist()), 0.0)
        both = _Q.boolean_query([(tantivy.Occur.Must, only), (tantivy.Occur.Should, query)])
        hits = self._searcher.search(both, len(rows), count=False).hits
        return float(sum([score for score, _ in hits]) / (most * len(rows)))

    def having(self, asked: Sequence[WholeWord], limit: int) -> Having:
        """The items that have all of some words; where there are none, those that have the most of them. Of
        more than `limit` those that have them the best.
        """
        every = [ways for word in asked for ways in (*word.terms, word.joined)]
        queries = self._queries()
        fields = {term: queries.fields_of(term) for ways in every for term, _ in ways}
        ways = [(tantivy.Occur.Should, queries.whole(word, fields)) for word in asked]
        has, tried = 0, len(ways)  # some item has so many of the words, and none has more than `most`
        most = tried
        while has < most:
            query = _Q.boolean_query(ways, minimum_number_should_match=tried)
            if self._searcher.search(query, 1, count=False).hits:
                has = tried
            else:
                most = tried - 1
            tried = (has + most + 1) // 2
        if not has:
            return Having(NO_HITS.rows, not ways)
        hits = self.ask(_Q.boolean_query(ways, minimum_number_should_match=has), limit + 1)
        return Having(np.sort(hits.rows[:limit]), has == len(ways), hits.whole)

    def _queries(self) -> WordQueries:
        return WordQueries(self._schema, self._searcher, self._searched)

    def ask(self, query: tantivy.Query, limit: int) -> Hits:
        """The `limit` best items."""
        searcher = self._searcher
        hits = searcher.search(query, limit, count=False).hits
        if not hits:
            return NO_HITS
        rows = searcher.fast_field_values(_ROW, [address for _, address in hits])
        scores = np.array([score for score, _ in hits], np.float32)
        return Hits(np.array(rows, np.int32), scores, len(hits) < limit)

    def _made(self, document: ItemDocument) -> _Made:
        texts = {name: getattr(document, name) for name in FIELDS}
        by_field = {name: terms(text, indexed=True) for name, text in texts.items()}
        if may_be_chinese(" ".join(texts.values())):
            for name, text in texts.items():
                by_field[name] += second_spelling(text, by_field[name])
        language = language_of(term for its in by_field.values() for term in its)
        if self.fixed:
            language = language if language in self.fixed else self.fixed[0]
        elif language:
            self.languages[language] += 1
        told = language
        language = language or self.spoken()[0]
        made = tantivy.Document()
        for name, its in by_field.items():
            further = [STEM + stem for stem in stems(its, language)]
            if name == "title":
                further += names_in(document.title)
            made.add_text(name, joined([*its, *further]))
        made.add_unsigned(_ROW, document.row)
        made.add_unsigned(_DIGEST, document.digest)
        made.add_unsigned(_LANGUAGE, LANGUAGES.index(told) + 1 if told else 0)
        every = [term for its in by_field.values() for term in its]
        return _Made(document.row, document.digest, made, every)

    def show(self) -> None:
        """Let what was committed be found, in the segments that there are now: tantivy merges them in threads
        of its own, after a commit.
        """
        self._index.reload()
        self._searcher = self._index.searcher()

    def settle(self) -> None:
        """Wait until the segments are merged that are being merged, and show what came of it. The next item
        that is put opens a writer anew.
        """
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.wait_merging_threads()
        self.show()

    def _write(self, made: Sequence[_Made]) -> None:
        """Where the writer breaks, halves are written until the one document is found that breaks it."""
        broken = self._attempt(made)
        if not broken:
            self._note(made)
            return
        self._writer = None  # what it had not committed is lost, and it holds the index's lock
        self.rebuilt += 1
        log.warning("the writer of the word index broke, and is made anew: %s", broken)
        if len(made) == 1:
            self.left_out += 1
            log.error("the item of row %d is left out of the word index: %s", made[0].row, broken)
            return
        half = len(made) // 2
        self._write(made[:half])
        self._write(made[half:])

    def _attempt(self, made: Sequence[_Made]) -> str:
        """Write and commit them; what broke the writer, "" for nothing. Raises `ValueError` where there can
        be no writer at all.
        """
        writer = self._open_writer()
        try:
            for each in self._pace.over(made):
                if each.row < len(self._digests) and self._digests[each.row]:
                    writer.delete_documents_by_query(self._of(each.row))
                writer.add_document(each.document)
            writer.commit()
        except (ValueError, OSError, RuntimeError) as error:
            return str(error) or type(error).__name__
        return ""

    def _of(self, row: int) -> tantivy.Query:
        """The document of a row. To delete by term deletes nothing here: the number is taken for a signed one
        (tantivy 0.27).
        """
        return _Q.term_query(self._schema, _ROW, row)

    def _note(self, made: Sequence[_Made]) -> None:
        most = max(each.row for each in made) + 1
        if most > len(self._digests):
            self._digests = longer(self._digests, room_for(most))
        for each in made:
            self._digests[each.row] = each.digest

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(_HEAP_BYTES, _THREADS)
        return self._writer

    def _read_back(self) -> None:
        """What is in a folder that was kept."""
        found = self._searcher.search(_Q.all_query(), max(len(self), 1), count=False).hits
        addresses = [address for _, address in found]
        if not addresses:
            return
        rows, digests, told = (
            np.array(self._searcher.fast_field_values(name, addresses), np.uint64)
            for name in (_ROW, _DIGEST, _LANGUAGE)
        )
        self._digests = np.zeros(room_for(int(rows.max()) + 1), np.uint64)
        self._digests[rows] = digests
        counts = np.bincount(told.astype(np.int64), minlength=len(LANGUAGES) + 1)[1:]
        self.languages.update({name: int(n) for name, n in zip(LANGUAGES, counts, strict=False) if n})


class _Made(NamedTuple):
    row: int
    digest: int
    document: tantivy.Document
    terms: list[str]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in FIELDS:
        builder.add_text_field(name, tokenizer_name=_ANALYZER, index_option=ONLY_COUNTS)
    builder.add_unsigned_field(_ROW, indexed=True, fast=True)
    for name in (_DIGEST, _LANGUAGE):
        builder.add_unsigned_field(name, fast=True)
    return builder.build()
