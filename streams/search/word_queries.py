"""What a search by words asks of the index: each word in the fields that have it, by what it counts there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tantivy

from streams.search.documents import TEXT
from streams.search.whole_words import WholeWord

TIE = 0.1
"""What the other fields and spellings of a word add to the best one."""
COMMON = 0.1
"""A word that stands in the texts of a larger part of the items is not looked for there, where enough items
have it in another field, which counts more: a text is long, and such a word says next to nothing in it. Of
what a search reads it is the larger half.
"""
ONLY_COUNTS = "freq"
"""What is indexed of a term in a field: how often it stands there, and not where."""
_Q = tantivy.Query

Spelling = tuple[str, float]
"""A term, and what it counts compared with the word as it was typed."""


class Field(NamedTuple):
    """`documents`: how many have a term in it."""

    name: str
    weight: float
    documents: int


Fields = Mapping[str, Sequence[Field]]
"""Of each term those that it is looked for in."""


class WordQueries:
    """Over the documents that `searcher` finds. `weights`: of each field that is searched, above 0."""

    def __init__(
        self, schema: tantivy.Schema, searcher: tantivy.Searcher, weights: Sequence[tuple[str, float]]
    ) -> None:
        self._schema, self._searcher, self._weights = schema, searcher, weights
        self._documents = int(searcher.num_docs)

    def fields_of(self, term: str) -> list[Field]:
        """Those that have the term."""
        count = self._searcher.doc_freq
        counted = [Field(name, weight, count(name, term)) for name, weight in self._weights]
        return [field for field in counted if field.documents]

    def without_text(self, fields: list[Field], enough: int) -> list[Field]:
        """Of a common word (`COMMON`) without its texts, where another field has it in `enough` items."""
        others = [field for field in fields if field.name != TEXT]
        common = any(field.documents > COMMON * self._documents for field in fields if field.name == TEXT)
        there = max([field.documents for field in others], default=0)
        return others if common and there >= enough else fields

    def any_of(self, asked: Sequence[Sequence[Spelling]], fields: Fields) -> tantivy.Query:
        """What has any of the words."""
        return _Q.boolean_query([(tantivy.Occur.Should, self._word(each, fields)) for each in asked])

    def weighed(self, asked: Sequence[Sequence[Spelling]], fields: Fields) -> tuple[tantivy.Query, float]:
        """What has any of the words, where each word that is there counts its rarity, however often it stands
        there; and what all of them count together.
        """
        found, most = [], 0.0
        for spellings in asked:
            documents = [field.documents for term, _ in spellings for field in fields[term]]
            # What was deleted is counted until its segment is merged.
            counts = _rarity(min(max(documents, default=0), self._documents), self._documents)
            most += counts
            if documents:
                query = _Q.const_score_query(self._word(spellings, fields), counts)
                found.append((tantivy.Occur.Should, query))
        return _Q.boolean_query(found), most

    def whole(self, word: WholeWord, fields: Fields) -> tantivy.Query:
        """What has a word as a whole."""
        terms = [(tantivy.Occur.Should, self._word(ways, fields)) for ways in word.terms]
        query = _Q.boolean_query(terms, minimum_number_should_match=word.least)
        if not word.joined:
            return query
        return _Q.disjunction_max_query([query, self._word(word.joined, fields)])

    def _word(self, spellings: Sequence[Spelling], fields: Fields) -> tantivy.Query:
        typed = {field.name: field.documents for field in fields[spellings[0][0]]}
        ways = [
            _Q.boost_query(
                _Q.term_query(self._schema, field.name, term, ONLY_COUNTS),
                field.weight * counts * self._no_rarer(field.documents, typed.get(field.name, 0)),
            )
            for term, counts in spellings
            for field in fields[term]
        ]
        return _Q.disjunction_max_query(ways, TIE)

    def _no_rarer(self, documents: int, typed: int) -> float:
        """What makes a spelling that so many documents have count no more than the word as it was typed,
        which `typed` have: else a text that writes two words as one stands before all that have both.
        """
        if documents >= typed:
            return 1.0
        return _rarity(typed, self._documents) / _rarity(documents, self._documents)


def _rarity(documents: int, of: int) -> float:
    """The inverse document frequency of BM25, as tantivy has it."""
    return math.log1p((of - documents + 0.5) / (documents + 0.5))
