"""Letters that were typed as syllables of pinyin, in each way that they may be parted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from streams.search.pronunciations import pronunciations

LONGEST = 40
"""Letters that are read."""
WAYS = 32
"""In which letters are parted into syllables, at most: xian is xian and xi an."""
LONGEST_SYLLABLE = 6


def is_pinyin(term: str) -> bool:
    """Whether a term may be pinyin, as far as can be told without a look at the catalogue."""
    return readable([term])


def readable(typed: Sequence[str]) -> bool:
    """The same of a word in so many pieces."""
    letters = "".join(typed)
    return 0 < len(letters) <= LONGEST and letters.isascii() and letters.isalpha()


def parted(typed: Sequence[str], whole: bool = True) -> list[list[str]]:
    """The ways to part letters into syllables, `WAYS` at most, those of the fewest syllables first. whole:
    the last one is no beginning of one.

    >>> parted(["xian"]), parted(["shoes"]), parted(["yund"], whole=False)
    ([['xian'], ['xi', 'an']], [], [['yun', 'd*']])
    """
    known, starts = _known(), _starts()
    found: list[list[str]] = []
    vain = set[tuple[int, int]]()
    """Places from which no way leads to the end: without them there would be as many ways as of a maze."""

    def go_on(piece: int, rest: str, made: list[str]) -> None:
        if len(found) >= WAYS or (piece, len(rest)) in vain:
            return
        before = len(found)
        if not rest and piece + 1 == len(typed):
            found.append(made)
            return
        if not rest:
            piece, rest = piece + 1, typed[piece + 1]
        for length in range(min(len(rest), LONGEST_SYLLABLE), 0, -1):
            if rest[:length] in known:
                go_on(piece, rest[length:], [*made, rest[:length]])
        if not whole and piece + 1 == len(typed) and rest in starts and rest not in known:
            found.append([*made, f"{rest}*"])
        if len(found) == before:
            vain.add((piece, len(rest)))

    go_on(0, typed[0], [])
    return sorted(found, key=len)


@cache
def _known() -> frozenset[str]:
    return frozenset(pronunciations().syllables)


@cache
def _starts() -> frozenset[str]:
    return frozenset(each[:length] for each in pronunciations().syllables for length in range(1, len(each)))
