"""A whole title as one term: who types just a name means the item so named, before all that mention it."""

from __future__ import annotations

import re

from streams.search.analysis import LONGEST_TERM, terms
from streams.search.chinese import simplified

WHOLE = "="
"""Stands before a whole title, so that it is no word."""
_behind_a_name = re.compile(r"\s[-–—|·]\s|:\s|,\s|\s*[(（\[【：，、]")


def whole_titles(*texts: str) -> list[str]:
    """The terms that stand for texts as a whole, each once: as they are written, and in simplified characters
    where these are others. Spaces, hyphens and points between their parts make no difference. None for a text
    of no terms, and for one of `LONGEST_TERM` letters, which nobody types.

    >>> whole_titles("Clip-on tuner"), whole_titles("clip on-tuner"), whole_titles("頭髮")
    (['=clipontuner'], ['=clipontuner'], ['=頭髮', '=头发'])
    >>> whole_titles("?!"), whole_titles("word " * 20)
    ([], [])
    """
    spellings = dict.fromkeys(each for text in dict.fromkeys(texts) for each in (text, simplified(text)))
    wholes = dict.fromkeys("".join(terms(each, together=False)) for each in spellings)
    return [WHOLE + whole for whole in wholes if 0 < len(whole) < LONGEST_TERM]


def names_in(title: str) -> list[str]:
    """The same for a title, and for the name that it begins with: what stands before a dash, a colon, a comma
    or a bracket.

    >>> names_in("Alien (1979)"), names_in("gimp - GNU Image Manipulation")
    (['=alien1979', '=alien'], ['=gimpgnuimagemanipulation', '=gimp'])
    >>> names_in("SM-57"), names_in("小米手环（黑色）")
    (['=sm57'], ['=小米米手手环黑色', '=小米米手手环'])
    """
    return whole_titles(title, _behind_a_name.split(title, maxsplit=1)[0])
