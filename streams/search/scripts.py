"""Where words end: by spaces in most scripts, nowhere in Chinese, Japanese, Thai and their like.

A run of a script without spaces is cut into pairs of neighbours, as search engines do where they have no
dictionary: a text and a query that share a word share its pairs (Nie, Gao, Zhang, Zhou, "On the use of words
and n-grams for Chinese information retrieval", IRAL 2000). It works for every such language, and needs no
list of words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from model.surrogates import made_whole

# Han, Hiragana, Katakana, Bopomofo, Hangul; Thai, Lao, Tibetan, Myanmar, Khmer. Korean has spaces, but its
# particles stand at the end of a word, so pairs serve it better than whole words.
UNSPACED = (
    "\u0e01-\u0e4e\u0e81-\u0ece\u0f40-\u0fbc\u1000-\u109f\u1780-\u17d3"
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_PICTURES = "\u2600-\u27bf\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff"
_MARKS = "".join(
    re.escape(chr(point)) for point in range(0x12000) if unicodedata.category(chr(point))[0] == "M"
)
_unspaced = re.compile(f"[{UNSPACED}]+")
_picture = re.compile(f"[{_PICTURES}]")
_cluster = re.compile(f".[{_MARKS}]*", re.DOTALL)
_word = re.compile(f"[^\\W_][^\\W_{_MARKS}]*(?:[{_MARKS}]+[^\\W_{_MARKS}]*)*")
# The accents of Latin, Greek and Cyrillic letters. In other scripts a mark may be a vowel.
_accents = re.compile("([\u0041-\u024f\u0370-\u052f\u1e00-\u1fff])[\u0300-\u036f]+")
_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "ς": "σ"})


def normalized(text: str) -> str:
    """One spelling for what means the same: forms of width, case, and the accents of letters.

    >>> normalized("Ｃafé STRASSE Straße Ελλάς")
    'cafe strasse strasse ελλασ'
    """
    if text.isascii():
        return text.lower()
    whole = unicodedata.normalize("NFKC", made_whole(text)).casefold().translate(_PLAIN)
    parted = unicodedata.normalize("NFD", whole)
    return unicodedata.normalize("NFC", _accents.sub(r"\1", parted)).translate(_PLAIN)


def runs(text: str) -> Iterator[str]:
    """The words of a normalized text, the pictures in it, and its runs of scripts without spaces.

    >>> list(runs("iphone手机壳 🎸 c++"))
    ['iphone', '手机壳', '🎸', 'c']
    """
    if text.isascii():
        yield from _word.findall(text)
        return
    spaced = _picture.sub(r" \g<0> ", _unspaced.sub(r" \g<0> ", text))
    for part in spaced.split():
        if _picture.fullmatch(part):
            yield part
        else:
            yield from _word.findall(part)


def unspaced(run: str) -> bool:
    """Whether a run is of a script without spaces.

    >>> unspaced("手机"), unspaced("phone")
    (True, False)
    """
    return not run.isascii() and _unspaced.match(run) is not None


def pairs(run: str) -> list[str]:
    """A run of a script without spaces as pairs of neighbours, each letter with its marks; a lone one stays.

    >>> pairs("运动鞋"), pairs("鞋")
    (['运动', '动鞋'], ['鞋'])
    """
    letters = letters_of(run)
    if len(letters) < 2:
        return letters
    return [first + second for first, second in pairwise(letters)]


def letters_of(run: str) -> list[str]:
    """Its letters, each with its marks."""
    return _cluster.findall(run)
