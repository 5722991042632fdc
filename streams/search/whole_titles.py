"""A whole title as one term: who types just a name means the item so named, before all that mention it."""

from __future__ import annotations

import re

from streams.search.analysis import LONGEST_TERM, terms
from streams.search.chinese import simplified

WHOLE = "="
"""Stands before a whole title, so that it is no word."""
_behind_a_name = re.compile(r"\s[-–—|·]\s|:\s|,\s|\s*[(（\[【：，、]")


def whole_titles(text: str) -> list[str]:
    """The terms that stand for a text as a whole: as it is written, and in simplified characters where these
    are others. None for a text of no terms, and for one of `LONGEST_TERM` letters, which nobody types.

    >>> whole_titles("GNU Image-Manipulation"), whole_titles("頭髮")
    (['=gnu_image_manipulation_imagemanipulation'], ['=頭髮', '=头发'])
    >>> whole_titles("?!"), whole_titles("word " * 20)
    ([], [])
    """
    found = list[str]()
    for each in dict.fromkeys((text, simplified(text))):
        title = "_".join(terms(each))
        if 0 < len(title) < LONGEST_TERM:
            found.append(WHOLE + title)
    return found


def names_in(title: str) -> list[str]:
    """The same for a title, and for the name that it begins with: what stands before a dash, a colon, a comma
    or a bracket.

    >>> names_in("Alien (1979)"), names_in("gimp - GNU Image Manipulation Program")
    (['=alien_1979', '=alien'], ['=gimp_gnu_image_manipulation_program', '=gimp'])
    >>> names_in("Clip-on tuner"), names_in("小米手环（黑色）")
    (['=clip_on_clipon_tuner'], ['=小米_米手_手环_黑色', '=小米_米手_手环'])
    """
    return list(
        dict.fromkeys([*whole_titles(title), *whole_titles(_behind_a_name.split(title, maxsplit=1)[0])])
    )
