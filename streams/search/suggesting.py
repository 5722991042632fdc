"""Completions of what is being typed: past queries, categories, makers and titles, with typos mended.

The words before the last one are whole; the last one may be the beginning of a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from symspellpy.editdistance import DistanceAlgorithm, EditDistance

from streams.recommender import Recommender
from streams.search.analysis import is_word, terms
from streams.search.chinese import simplified
from streams.search.completions import Completion
from streams.search.index import SearchIndex
from streams.search.model_names import with_spaces
from streams.search.pronunciations import is_pronounced
from streams.search.scripts import normalized
from streams.search.typos import TWO_FROM

LOOKED_AT = 50
"""Items whose titles fit, of which the most popular are taken."""
MOST_TERMS = 8
MOST_CHARACTERS = 200
SHORTEST_PINYIN = 3
MOST_MEANT = 3
"""Words that are tried for one pronunciation."""
_LETTERS = re.compile(r"[a-z][a-z ]*$")
_distance = EditDistance(DistanceAlgorithm.DAMERAU_OSA_FAST)


class Suggestions(NamedTuple):
    """`corrected`: what was typed, as it was probably meant; "" where it is well spelt."""

    completions: list[Completion]
    corrected: str


def suggest(recommender: Recommender, index: SearchIndex, typed: str, limit: int) -> Suggestions:
    """At most `limit` completions, the likeliest first; none for a text without letters or digits."""
    typed = normalized(typed[:MOST_CHARACTERS])
    begins = " ".join(typed.split())
    its = _words(begins)
    if not its:
        return Suggestions([], "")
    found = _complete(recommender, index, list(dict.fromkeys((simplified(begins), begins))), limit)
    if found:
        return Suggestions(found, "")
    if (spaced := with_spaces(begins)) != begins:
        found = _complete(recommender, index, [spaced], limit)
        if found:
            return Suggestions(found, spaced)
    for meant in (said := _pronounced(index, begins)):
        found += _complete(recommender, index, [meant], limit)
    if found:
        return Suggestions(list(dict.fromkeys(found))[:limit], said[0])
    mended = _mended(index, its)
    if mended == its:
        return Suggestions([], "")
    begins = " ".join(mended)
    found = _complete(recommender, index, [begins], limit)
    return Suggestions(found, begins if found else "")


def _pronounced(index: SearchIndex, typed: str) -> list[str]:
    """What is meant where a text ends in pinyin, also behind the first characters of a word: 充dianb."""
    found = _LETTERS.search(typed)
    if found is None:
        return []
    before, letters = typed[: found.start()], found[0].split()
    if is_pronounced(before[-1:]):
        words = index.pinyin.completed(before[-1], letters, index.words.frequency, MOST_MEANT)
        if words:
            return [before[:-1] + word for word in words]
        before += " "
    if len(found[0]) < SHORTEST_PINYIN:
        return []
    words = index.pinyin.completed("", letters, index.words.frequency, MOST_MEANT)
    return [before + word for word in words]


def _complete(
    recommender: Recommender, index: SearchIndex, spellings: Sequence[str], limit: int
) -> list[Completion]:
    """spellings: of what is typed; what any of them finds is a completion."""
    named = (("query", index.queries), ("category", index.categories), ("maker", index.makers))
    ways = [
        [Completion(text, kind) for begins in spellings for text in names.find(begins, limit)]
        for kind, names in named
    ]
    titles = [
        _titles(recommender, index, terms(begins, together=False)[-MOST_TERMS:], limit)
        or _titles(recommender, index, _words(begins), limit)
        for begins in spellings
    ]
    lists = [list(dict.fromkeys(way)) for way in (*ways, [each for found in titles for each in found])]
    different: dict[str, Completion] = {}
    for each in [completion for completions in lists for completion in completions]:
        different.setdefault(normalized(each.text), each)
    kinds = [kind for kind in lists if kind]
    least = max(limit // max(len(kinds), 1), 1)  # no kind takes all places from the others
    first = {id(each) for kind in kinds for each in kind[:least]}
    ordered = sorted(different.values(), key=lambda each: id(each) not in first)
    kept = {id(each) for each in ordered[:limit]}
    return [each for each in different.values() if id(each) in kept]


def _words(typed: str) -> list[str]:
    """The last words of what is typed, without names that have signs: the sign may be no end of one yet."""
    its = terms(typed, together=False)
    return [term for term in its if term.isalnum() or not term.isascii()][-MOST_TERMS:]


def _titles(recommender: Recommender, index: SearchIndex, its: Sequence[str], limit: int) -> list[Completion]:
    """Titles that have all of the words, the last one as the beginning of a word; the most popular first."""
    catalog, titles = recommender.catalog, index.titles
    rows = index.words.titles(its[:-1], its[-1], LOOKED_AT).rows
    rows = rows[(rows < len(catalog)) & (rows < len(titles))]
    rows = rows[catalog.available[rows]]
    events = recommender.counters.popularity.events[rows]
    best = rows[np.argsort(-events, kind="stable")].tolist()
    shown: dict[str, Completion] = {}
    for row in best:
        if titles[row]:
            shown.setdefault(titles[row], Completion(titles[row], "item", catalog.ids[row]))
    return list(shown.values())[:limit]


def _mended(index: SearchIndex, its: Sequence[str]) -> list[str]:
    """The words as they were probably meant, of the last one its beginning."""
    whole: list[str] = []
    for term in its[:-1]:
        corrections = index.table.correct(term, index.words.frequency)
        whole += corrections[0].words if corrections and not index.words.frequency(term) else [term]
    return [*whole, _beginning(index, its[-1])]


def _beginning(index: SearchIndex, typed: str) -> str:
    """The beginning of a word of the catalogue that differs least from what was typed."""
    if not is_word(typed) or index.words.beginning(typed, 1):
        return typed
    best = (2 if len(typed) >= TWO_FROM else 1, 1, typed)
    for word, count in index.words.beginning(typed[:1], 5_000) if len(typed) >= 3 else ():
        for length in {min(len(typed) + more, len(word)) for more in (-1, 0, 1)}:
            away = int(_distance.compare(typed, word[:length], best[0]))
            if away >= 0 and (away, -count, word[:length]) < best:
                best = away, -count, word[:length]
    corrections = index.table.correct(typed, index.words.frequency)
    if corrections and len(corrections[0].words) == 1 and corrections[0].distance <= best[0]:
        return corrections[0].words[0]
    return best[2]
