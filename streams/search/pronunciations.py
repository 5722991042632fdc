"""How Chinese characters are pronounced: the table of pypinyin (MIT), without tones; ü is v."""

from __future__ import annotations

import bisect
import importlib.util
import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FIRST, LAST = 0x4E00, 0x9FFF
"""The characters whose pronunciation is known: CJK Unified Ideographs."""
READINGS = 3
"""Of a character, the most usual ones."""
_VOWELS = set("aeiouv")


class Pronunciations(NamedTuple):
    """syllables: in alphabetical order. of int16 [characters, `READINGS`]: which ones a character has, -1 for
    none.
    """

    syllables: list[str]
    of: NDArray[np.int16]


@cache
def pronunciations() -> Pronunciations:
    """The table of pypinyin. Its module is not imported: it would hold 58 MiB of phrases."""
    spec = importlib.util.find_spec("pypinyin")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("pypinyin is not installed: its table of pronunciations is needed")
    file = Path(spec.submodule_search_locations[0]) / "pinyin_dict.json"
    table: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    said = {
        int(point) - FIRST: list(dict.fromkeys(map(_toneless, ways.split(","))))[:READINGS]
        for point, ways in table.items()
        if FIRST <= int(point) <= LAST
    }
    syllables = sorted(
        {each for ways in said.values() for each in ways if each.isascii() and _VOWELS & set(each)}
    )
    numbers = {syllable: number for number, syllable in enumerate(syllables)}
    of = np.full((LAST - FIRST + 1, READINGS), -1, np.int16)
    for row, ways in said.items():
        of[row, : len(ways)] = [numbers.get(each, -1) for each in ways]
    return Pronunciations(syllables, of)


def _toneless(said: str) -> str:
    letters = unicodedata.normalize("NFD", said.replace("ü", "v").replace("ê", "e"))
    letters = letters.replace("u\u0308", "v")
    return "".join(each for each in letters if not unicodedata.combining(each)).lower()


def is_pronounced(character: str) -> bool:
    """Whether it is a Chinese character whose pronunciation is known."""
    return len(character) == 1 and FIRST <= ord(character) <= LAST


def syllable_range(said: str) -> tuple[int, int]:
    """The numbers of the syllables that are meant, up to behind the last; "sh*": those that begin so."""
    syllables = pronunciations().syllables
    low = bisect.bisect_left(syllables, said.rstrip("*"))
    if said.endswith("*"):
        return low, bisect.bisect_left(syllables, said.rstrip("*") + "~")
    return low, low + (low < len(syllables) and syllables[low] == said)
