"""One cell of ratings to a number: stars, a share, or a word for yes or no."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from model.schema import HIGHEST_RATING, LOWEST_RATING

_GOOD = """
    true t yes y recommended recommend liked like loved love good positive pos up thumbsup thumbup upvote
    fresh
"""
_BAD = """
    false f no n notrecommended notrecommend disliked dislike hated hate bad negative neg down thumbsdown
    thumbdown downvote rotten
"""
WORDS = {
    **dict.fromkeys(_GOOD.split(), HIGHEST_RATING),
    **dict.fromkeys(_BAD.split(), LOWEST_RATING),
}
_NUMBERS = "zero one two three four five six seven eight nine ten"
_COUNTED = {word: float(value) for value, word in enumerate(_NUMBERS.split())}
_OF = re.compile(
    r"(?:rated\s+)?(\d+(?:[.,]\d+)?)\s*(?:/|\bout of\b|\bof\b)\s*(\d+(?:[.,]\d+)?)(?:\s*stars?)?",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s*%")
_STARS = re.compile(
    r"(?:rated\s+)?([+-]?\d+(?:[.,]\d+)?|[a-z]+)[\s-]*(?:stars?|points?|pts)?(?:\s+rating)?", re.IGNORECASE
)
_DRAWN = re.compile(r"([★⭐✭✮\ufe0f]*)(½?)[☆✩]*")


def stars_in(cell: Any) -> float:
    """The number of a text such as "3,5", "4 stars", "four" or ★★★★☆; NaN for another cell.

    >>> [stars_in(cell) for cell in ("4 stars", "Four", "3,5", "★★★½", "fine")]
    [4.0, 4.0, 3.5, 3.5, nan]
    """
    if not isinstance(cell, str):
        return np.nan
    text = cell.strip()
    if (match := _DRAWN.fullmatch(text)) and (match[1] or match[2]):
        return len(match[1].replace("\ufe0f", "")) + 0.5 * len(match[2])
    match = _STARS.fullmatch(text)
    if match is None:
        return np.nan
    word = match[1].lower()
    return _COUNTED.get(word, np.nan) if word.isalpha() else _float(word)


def share_in(cell: Any) -> float:
    """The share of a text such as "80%" or "4 out of 5"; NaN for another cell.

    >>> share_in("80%"), share_in("4/5"), share_in("4")
    (0.8, 0.8, nan)
    """
    if not isinstance(cell, str):
        return np.nan
    text = cell.strip()
    if match := _PERCENT.fullmatch(text):
        return _float(match[1]) / 100.0
    match = _OF.fullmatch(text)
    return _float(match[1]) / _float(match[2]) if match and _float(match[2]) else np.nan


def word_in(cell: Any) -> float:
    """5 or 1 for a word of `WORDS`; NaN for another cell.

    >>> word_in("Not recommended"), word_in(True), word_in("1 (bad)")
    (1.0, 5.0, nan)
    """
    text = str(cell).lower() if isinstance(cell, str | bool) else ""
    if any(map(str.isdigit, text)):  # "1 (bad)" is a number first
        return np.nan
    return WORDS.get("".join(filter(str.isalpha, text)), np.nan)


def _float(text: str) -> float:
    return float(text.replace(",", "."))
