"""What is typed in pinyin as the Chinese words of the catalogue: "yundongxie" is 运动鞋.

No dictionary of words is needed. The index has each pair of neighbouring characters as a term; here they are
in the order of how they are pronounced, in every way that their characters may be (重庆 is zhong qing and
chong qing). A word is a chain of such pairs, so nothing is offered that finds nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.search.pinyin_syllables import parted, readable
from streams.search.pronunciations import FIRST, LAST, pronunciations, syllable_range

MOST_PAIRS = 256
"""Of one pronunciation that are looked at."""
_SYLLABLE, _CHARACTER = 9, 16
"""Bits."""

UNUSUAL = 4.0
"""So many times rarer counts a pair for each character that is usually pronounced otherwise."""

Frequency = Callable[[str], int]


class Chain(NamedTuple):
    """Characters, and in how many documents the rarest of their pairs stands; less for what is `UNUSUAL`."""

    text: str
    least: float


class Pinyin:
    """The pairs of the catalogue by their pronunciation. One thread may learn while others read."""

    def __init__(self) -> None:
        self._pairs = np.zeros(0, np.int64)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pairs)

    def learn(self, terms: Iterable[str]) -> None:
        """These stand in the catalogue. What is no pair of characters is passed over."""
        pairs = [term for term in terms if len(term) == 2 and not term.isascii()]
        if not pairs:
            return
        raw = "".join(pairs).encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(raw, np.uint32).reshape(-1, 2).astype(np.int64) - FIRST
        points = points[((points >= 0) & (points <= LAST - FIRST)).all(axis=1)]
        if not len(points):
            return
        said = pronunciations().of.astype(np.int64)
        first, second = said[points[:, 0], :, None], said[points[:, 1], None, :]
        characters = (points[:, 0] << _CHARACTER | points[:, 1])[:, None, None]
        packed = (first << _SYLLABLE | second) << 2 * _CHARACTER | characters
        new = np.unique(packed[(first >= 0) & (second >= 0)])
        with self._lock:
            had = self._pairs
            at = np.searchsorted(had, new)
            there = at < len(had)
            there[there] = had[at[there]] == new[there]
            if not there.all():
                self._pairs = np.insert(had, at[~there], new[~there])

    def words(self, typed: Sequence[str], frequency: Frequency) -> list[str]:
        """The words that were typed, in so many pieces; [] where they are no pinyin of words that there are.
        Each has two characters at least.
        """
        if not len(self._pairs) or not readable(typed):
            return []
        pairs = _Pairs(self._pairs, frequency)
        sentences = [_sentence(syllables, pairs) for syllables in parted(typed)]
        found = [each for each in sentences if each is not None]
        return min(found, key=lambda each: (len(each.words), -each.least)).words if found else []

    def completed(self, after: str, typed: Sequence[str], frequency: Frequency, limit: int) -> list[str]:
        """Words that begin with the character `after`, where there is one, and go on as is typed, of which
        the last syllable may be a beginning, and one alone is that of a word; those of the most documents
        first.
        """
        if not len(self._pairs) or not readable(typed):
            return []
        pairs, found = _Pairs(self._pairs, frequency), dict[str, float]()
        for syllables in parted(typed, whole=False):
            alone = len(syllables) == 1 and not after and not syllables[0].endswith("*")
            for chain in _whole(after, [*syllables, "*"] if alone else syllables, pairs):
                found[chain.text] = max(chain.least, found.get(chain.text, 0.0))
        return sorted(found, key=lambda text: -found[text])[:limit]


class _Sentence(NamedTuple):
    words: list[str]
    least: float


class _Pairs:
    """The pairs of one question, each looked up once."""

    def __init__(self, packed: NDArray[np.int64], frequency: Frequency) -> None:
        self._packed, self._frequency = packed, frequency
        self._said: dict[tuple[str, str], list[Chain]] = {}
        self._behind: dict[tuple[str, str], list[Chain]] = {}

    def said(self, first: str, second: str) -> list[Chain]:
        """Those that are pronounced so."""
        if (first, second) not in self._said:
            number = syllable_range(first)
            self._said[first, second] = self._looked_up(range(*number), second)
        return self._said[first, second]

    def behind(self, character: str, second: str) -> list[Chain]:
        """Those of this character and one that is pronounced so."""
        if (character, second) not in self._behind:
            ways = [int(each) for each in pronunciations().of[ord(character) - FIRST] if each >= 0]
            found = self._looked_up(ways, second, ord(character) - FIRST)
            self._behind[character, second] = found
        return self._behind[character, second]

    def _looked_up(self, firsts: Iterable[int], second: str, character: int | None = None) -> list[Chain]:
        usual, (low, high) = pronunciations().of[:, 0], syllable_range(second)
        found = dict[str, float]()
        for each in firsts:
            bounds = [(each << _SYLLABLE | bound) << 2 * _CHARACTER for bound in (low, high)]
            start, end = np.searchsorted(self._packed, bounds)
            part = self._packed[start:end]
            if character is not None:
                part = part[(part >> _CHARACTER & 0xFFFF) == character]
            for packed in part[:MOST_PAIRS].tolist():
                one, other = packed >> _CHARACTER & 0xFFFF, packed & 0xFFFF
                text = chr(one + FIRST) + chr(other + FIRST)
                unusual = (int(usual[one]) != each) + (not low <= int(usual[other]) < high)
                least = self._frequency(text) / UNUSUAL**unusual
                if least > found.get(text, 0.0):
                    found[text] = least
        return [Chain(text, least) for text, least in found.items()]


def _sentence(syllables: Sequence[str], pairs: _Pairs) -> _Sentence | None:
    """The words of syllables, as few as there can be."""
    ends: list[_Sentence | None] = [_Sentence([], math.inf), *[None] * len(syllables)]
    for begin in range(len(syllables) - 1):
        before = ends[begin]
        if before is None:
            continue
        chains: dict[str, Chain] = {}
        for at in range(begin + 1, len(syllables)):
            chains = _longer(chains, pairs.said(syllables[at - 1], syllables[at]), at == begin + 1)
            if not chains:
                break
            best = max(chains.values(), key=lambda each: each.least)
            made = _Sentence([*before.words, best.text], min(before.least, best.least))
            last = ends[at + 1]
            if last is None or (len(made.words), -made.least) < (len(last.words), -last.least):
                ends[at + 1] = made
    return ends[-1]


def _whole(after: str, syllables: Sequence[str], pairs: _Pairs) -> list[Chain]:
    """All syllables as one word, the best for each last character."""
    chains: dict[str, Chain] = {}
    if after:
        chains = _longer(chains, pairs.behind(after, syllables[0]), first=True)
    for at in range(1, len(syllables)):
        first = at == 1 and not after
        chains = _longer(chains, pairs.said(syllables[at - 1], syllables[at]), first)
        if not chains:
            break
    return list(chains.values())


def _longer(chains: dict[str, Chain], pairs: Iterable[Chain], first: bool) -> dict[str, Chain]:
    """Chains that go on by one of the pairs, the best by its last character; `first`: that begin by it."""
    made: dict[str, Chain] = {}
    for pair in pairs:
        begun = Chain(pair.text[0], pair.least) if first else chains.get(pair.text[0])
        if begun is not None:
            least, last = min(begun.least, pair.least), pair.text[1]
            if last not in made or least > made[last].least:
                made[last] = Chain(begun.text + last, least)
    return made
