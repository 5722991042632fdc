"""The terms of a query as the words that an item must have, where it must have all of them.

A term is not always a word. A run of a script without spaces gives its pairs, of which those between two
words say nothing: half of them will do. "SM-57" gives its parts and what they make together: either will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.search.scripts import letters_of, unspaced

Ways = tuple[tuple[str, float], ...]
"""The spellings of a term, itself first; see `streams.search.words.Spelling`."""
SHORT = 3
"""Letters of a run of which all pairs are needed."""


class WholeWord(NamedTuple):
    """An item has it where it has `least` of `terms`, or `joined` (none where nothing was joined)."""

    terms: tuple[Ways, ...]
    least: int
    joined: Ways = ()


def whole_words(asked: Sequence[Ways]) -> list[WholeWord]:
    """The words of a query, from its terms in their order.

    >>> found = whole_words([((term, 1.0),) for term in ("red", "蓝牙", "牙耳", "耳机")])
    >>> [(len(word.terms), word.least) for word in found]
    [(1, 1), (3, 2)]
    >>> whole_words([((term, 1.0),) for term in ("sm", "57", "sm57")])[0].joined
    (('sm57', 1.0),)
    """
    words = list[WholeWord]()
    for run in _runs(asked):
        letters = len(run) + 1
        words.append(WholeWord(tuple(run), len(run) if letters <= SHORT else letters // 2))
    at = 0
    while at < len(words):
        made = _made_of(words, at)
        if made:
            parts = tuple(ways for word in words[at - made : at] for ways in word.terms)
            words[at - made : at + 1] = [WholeWord(parts, len(parts), words[at].terms[0])]
            at -= made
        at += 1
    return words


def _runs(asked: Sequence[Ways]) -> list[list[Ways]]:
    """Pairs that overlap stand together; any other term stands alone."""
    found = list[list[Ways]]()
    for ways in asked:
        if found and _overlap(found[-1][-1][0][0], ways[0][0]):
            found[-1].append(ways)
        else:
            found.append([ways])
    return found


def _overlap(before: str, term: str) -> bool:
    if not (unspaced(before) and unspaced(term)):
        return False
    first, second = letters_of(before), letters_of(term)
    return len(first) == len(second) == 2 and first[1] == second[0]


def _made_of(words: Sequence[WholeWord], at: int) -> int:
    """Of how many of the words before it the one at this place is made; 0 for none."""
    if len(words[at].terms) > 1:
        return 0
    whole, made = words[at].terms[0][0][0], ""
    for back in range(1, at + 1):
        word = words[at - back]
        if word.joined or len(word.terms) > 1:
            return 0
        made = word.terms[0][0][0] + made
        if made == whole and back > 1:
            return back
        if not whole.endswith(made):
            return 0
    return 0
