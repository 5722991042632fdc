"""A query as it is understood: prices, names, and each word with the spellings that will do for it.

Nothing of a query is a syntax: quotes, brackets, "OR" and "title:" are read like any other text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from streams.search.analysis import is_word, terms
from streams.search.chinese import elsewhere, spellings
from streams.search.intent import Named, Names
from streams.search.languages import says_nothing, stem
from streams.search.model_names import is_model, parted
from streams.search.pinyin import Pinyin
from streams.search.pinyin_syllables import is_pinyin
from streams.search.prices import PriceWords, price_words
from streams.search.scripts import letters_of, normalized, unspaced
from streams.search.typos import Spelling as SpellingTable
from streams.search.units import also_written, apart
from streams.search.whole_titles import whole_titles
from streams.search.word_queries import Spelling
from streams.search.words import STEM, Words

MOST_TERMS = 32
"""Different words of a query that are looked for: the first ones."""
MOST_CHARACTERS = 2_000
"""Of a query that are read. A longer one is cut."""
SAME_STEM, ONE_LETTER, JOINED, ELSEWHERE, SAME_UNIT = 0.9, 0.8, 0.9, 0.9, 0.9
MISTAKES = {0: 0.9, 1: 0.7, 2: 0.5}
"""What a correction counts, by the letters that differ."""
MOST_BEGINNINGS = 20


class Understood(NamedTuple):
    """`text`: the query. `rest`: what is left of it without the words for prices. `asked`: of each word its
    spellings. `corrected`: the query as it was probably meant, "" where it is well spelt. `named`: see
    `Names`. `titles`: those of items that are the query as a whole, or what was probably meant. They count as
    much as all its words.
    """

    text: str
    rest: str
    prices: PriceWords
    asked: list[list[Spelling]]
    corrected: str
    named: list[Named]
    titles: list[Spelling]

    @property
    def looked_for(self) -> list[list[Spelling]]:
        """What the best items are sought by: each word, and the whole title as one more."""
        return [*self.asked, self.titles] if self.titles else self.asked

    @property
    def empty(self) -> bool:
        """Whether no word is left to look for: then nothing is searched, and the filters alone count."""
        return not self.rest.strip()

    @property
    def to_encode(self) -> str:
        """What the text encoder reads: "" for a query of signs alone, of which a vector says nothing."""
        text = self.corrected or self.rest
        return text if any(map(str.isalnum, text)) else ""


def understand(
    text: str, words: Words, table: SpellingTable, pinyin: Pinyin, names: Names, priced: bool
) -> Understood:
    """What a query asks for. priced: whether any item has a price; else words for prices are words."""

    def frequency(term: str) -> int:
        return 0 if table.lacks(term) else words.frequency(term)

    text = text[:MOST_CHARACTERS]
    prices = price_words(text) if priced else PriceWords(None, None, 0, text)
    languages = words.spoken()
    typed = list(dict.fromkeys(terms(prices.rest)))[:MOST_TERMS]
    every, meant = _pronounced(parted(apart(typed, frequency), frequency), pinyin, frequency)
    every = list(dict.fromkeys(every))[:MOST_TERMS]
    simple, region = spellings(prices.rest), elsewhere(prices.rest)
    telling = [term for term in every if not says_nothing(term, languages)] or every
    units = also_written(telling)
    asked, fixed = [], dict[str, str]()
    for at, term in enumerate(telling):
        ways = {term: 1.0}
        _add(ways, _same_stem(term, languages, SAME_STEM))
        if term in simple:
            _add(ways, [(simple[term], 1.0)])
        if term in region:
            _add(ways, [(region[term], ELSEWHERE)])
        _add(ways, [(each, SAME_UNIT) for each in units.get(at, ())])
        for way in list(ways) if unspaced(term) and len(letters_of(term)) == 1 else ():
            _add(ways, [(each, ONE_LETTER) for each, _ in words.beginning(way, MOST_BEGINNINGS)])
        for near in (
            telling[at - 1] + term if at else "",
            term + (telling[at + 1] if at + 1 < len(telling) else ""),
        ):
            if near and near != term and (is_word(near) or is_model(near)) and frequency(near):
                _add(ways, [(near, JOINED)])
        corrections = table.correct(term, frequency)
        for each in corrections:
            for word in each.words:
                counts = MISTAKES[each.distance]
                _add(ways, [(word, counts), *_same_stem(word, languages, counts * SAME_STEM)])
        if corrections and not _known(ways, term, words):
            fixed[term] = " ".join(corrections[0].words)
        asked.append(list(ways.items()))
    corrected = _written(prices.rest, meant, fixed) if fixed or meant else ""
    named = names.find(terms(corrected) if corrected else every)
    for other in (simple, {**simple, **region}) if (simple or region) and not corrected else ():
        named = list(dict.fromkeys([*named, *names.find([other.get(term, term) for term in every])]))
    whole = whole_titles(text, prices.rest, corrected)
    titles = [(title, float(len(asked))) for title in whole if words.frequency(title)]
    return Understood(text, prices.rest, prices, asked, corrected, named, titles)


class _Meant(NamedTuple):
    """Pieces of a query, one behind the other, that are the pinyin of these words."""

    pieces: Sequence[str]
    words: list[str]


def _pronounced(
    every: Sequence[str], pinyin: Pinyin, frequency: Callable[[str], int]
) -> tuple[list[str], list[_Meant]]:
    """The terms, with Chinese words for those that are their pinyin and in no item; and which these are."""
    made, found, at = list[str](), list[_Meant](), 0
    while at < len(every):
        end = at
        while end < len(every) and is_pinyin(every[end]) and not frequency(every[end]):
            end += 1
        if end > at and (words := pinyin.words(every[at:end], frequency)):
            found.append(_Meant(every[at:end], words))
            made += [term for word in words for term in terms(word)]
        else:
            end = max(end, at + 1)
            made += every[at:end]
        at = end
    return made, found


def _written(text: str, meant: Sequence[_Meant], fixed: Mapping[str, str]) -> str:
    """A query with words for their pinyin and for slips; all else of it as it was typed, in lower case."""
    text = normalized(text)
    for pieces, words in (*meant, *(_Meant([term], [word]) for term, word in fixed.items())):
        typed, letter = r"[^\w]*".join(map(re.escape, pieces)), "[a-z]" if pieces[0].isascii() else r"\w"
        text = re.sub(rf"(?<!{letter}){typed}(?!{letter})", " ".join(words), text, count=1)
    return " ".join(text.split())


def _known(spellings: dict[str, float], term: str, words: Words) -> bool:
    """Whether the term stands in the catalogue, or another form of it."""
    own = [
        each
        for each, counts in spellings.items()
        if each == term or (each[0] == STEM and counts == SAME_STEM)
    ]
    return any(map(words.frequency, own))


def _same_stem(term: str, languages: Sequence[str], counts: float) -> list[Spelling]:
    """Other forms of a word, in any of these languages."""
    if not is_word(term):
        return []
    found = []
    for language in languages:
        its = stem(term, language)
        found.append((STEM + its, counts))
        if its != term:
            found.append((its, counts))
    return found


def _add(spellings: dict[str, float], more: Sequence[Spelling]) -> None:
    for term, counts in more:
        spellings[term] = max(counts, spellings.get(term, 0.0))
