r"""Halves of UTF-16 pairs that stand alone: JSON and Python notation can write them, no encoding can.

A program that cuts an emoji in two leaves one (`"\ud83d"`). Tokenizers, UTF-8 and Redis refuse such a text.
"""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"
_HALF = re.compile("[\ud800-\udfff]")


def has_half(text: str) -> bool:
    r"""Whether the text holds such a half, so that no encoding can write it.

    >>> has_half("café"), has_half("\ud83d")
    (False, True)
    """
    return not text.isascii() and _HALF.search(text) is not None


def made_whole(text: str) -> str:
    r"""The text with two halves side by side as their character, and other halves as U+FFFD.

    >>> made_whole("\ud83d\ude00") == "\U0001f600", made_whole("cut \ud83d") == "cut \ufffd"
    (True, True)
    """
    if not has_half(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
