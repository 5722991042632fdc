"""sentencepiece's normaliser: NFKC and a few rules more, spaces to U+2581, none doubled and none at an end.

The rules are a double array (Aoe 1989, doi 10.1109/32.31365) of byte strings, as the library darts-clone
writes it, with the place of each string's replacement. At each place of a text the longest rule counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
SPACE = 0x20


class Rules(NamedTuple):
    """`units` uint32: the double array. `replacements` uint8: strings that end with a zero byte."""

    units: U32
    replacements: U8


def read_rules(charsmap: bytes) -> Rules:
    """The two parts of a compiled map: four bytes with the first one's size, then both."""
    size = int.from_bytes(charsmap[:4], "little")
    units = np.frombuffer(charsmap[4 : 4 + size], "<u4").astype(np.uint32)
    return Rules(units, np.frombuffer(charsmap[4 + size :], np.uint8).copy())


def room_of(rules: Rules) -> int:
    """The most bytes that one byte of a text can become: spaces take three."""
    strings = bytes(rules.replacements).split(b"\0")
    return max(4, *(len(each) + 2 * each.count(b" ") for each in strings))


@compiled
def normalise(text: U8, units: U32, replacements: U8, room: int) -> U8:
    """UTF-8 -> UTF-8; empty where nothing is left but spaces. `room`: as `room_of` says."""
    out = np.empty(3 + len(text) * room, np.uint8)
    at, size, after_space, count = 0, 0, True, len(text)
    while at < count:
        # The longest rule that begins here.
        node = (units[0] >> 10) << ((units[0] & 0x200) >> 6)
        place, longest, found = at, 0, 0
        while place < count:
            node ^= np.uint32(text[place])
            if node >= len(units):
                break
            unit = units[node]
            if (unit & 0x800000FF) != text[place]:
                break
            node ^= (unit >> 10) << ((unit & 0x200) >> 6)
            place += 1
            if unit & 0x100:
                longest, found = place - at, int(units[node] & 0x7FFFFFFF)
        source, begin, end = replacements, found, found
        if longest > 0:
            while replacements[end] != 0:
                end += 1
            at += longest
        else:
            # Without a rule a character stays as it is.
            begin, end = at, at + 1
            while end < count and (text[end] & 0xC0) == 0x80:
                end += 1
            source, at = text, end
        for k in range(begin, end):
            if source[k] != SPACE:
                if size == 0:  # a text begins as a word does
                    size = _write_space(out, size)
                out[size] = source[k]
                size += 1
                after_space = False
            elif not after_space:
                size = _write_space(out, size)
                after_space = True
    while size >= 3 and out[size - 3] == 0xE2 and out[size - 2] == 0x96 and out[size - 1] == 0x81:
        size -= 3
    return out[:size].copy()


@compiled
def _write_space(out: U8, size: int) -> int:
    """U+2581 in UTF-8; the size after it."""
    out[size], out[size + 1], out[size + 2] = 0xE2, 0x96, 0x81
    return size + 3
