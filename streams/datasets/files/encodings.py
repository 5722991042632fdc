"""The encoding of a file's bytes, if they are not UTF-8 and have no byte order mark."""

from __future__ import annotations

import re

SAMPLE_BYTES = 1 << 20
_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_BESIDE_LETTERS = re.compile(rb"[A-Za-z][\x80-\xff]+|[\x80-\xff]+[A-Za-z]")
_KANA = re.compile("[\u3041-\u30ff]")
# In a text in the right double-byte encoding, this share of the characters is usual ones.
USUAL = 0.6


def utf_16_without_mark(content: bytes) -> str | None:
    """The UTF-16 encoding if every other byte is often NUL, as for ASCII characters in UTF-16; else None.

    >>> utf_16_without_mark("user,item".encode("utf-16-le"))
    'utf-16-le'
    """
    head = content[: SAMPLE_BYTES // 16]
    if len(content) % 2 or len(head) < 4:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    pairs = len(head) // 2
    if odd > pairs // 10 and even * 20 < odd:
        return "utf-16-le"
    return "utf-16-be" if even > pairs // 10 and odd * 20 < even else None


def likely_encoding(content: bytes) -> str:
    """The encoding of text with bytes above 127 that is not UTF-8, as Python names it.

    Usual characters identify double-byte encodings; words of high bytes alone identify Cyrillic. The rest is
    Windows-1252, which is latin-1 with more letters.

    >>> [likely_encoding("東京タワー、京都です".encode("cp932")), likely_encoding("Café".encode("latin-1"))]
    ['cp932', 'cp1252']
    """
    sample = _whole_lines(content)
    runs = [len(run) for run in _HIGH_RUNS.findall(sample)]
    high = sum(runs)
    if high == 0:
        return "cp1252"
    for encoding in ("euc_jp", "cp932"):
        text = _decoded(sample, encoding)
        if text is not None and len(_KANA.findall(text)) > USUAL / 3 * sum(char > "\x7f" for char in text):
            return encoding
    beside_letters = len(_BESIDE_LETTERS.findall(sample))
    if sum(length for length in runs if length % 2 == 0) > 0.9 * high and 2 * beside_letters < len(runs):
        text = _decoded(sample, "gb18030")
        if text is not None and _share_in(text, "gb2312") > USUAL:
            return "euc_kr" if _is_hangul(sample) else "gb18030"
    text = _decoded(sample, "big5")
    if text is not None and _share_of_usual_big5(text) > USUAL:
        return "big5"
    if sum(length for length in runs if length > 2) > 0.8 * high:
        return "cp1251"
    return "cp1252"


def _is_hangul(sample: bytes) -> bool:
    """EUC-KR keeps its syllables in the first half of where GB2312 keeps its characters."""
    leads = [run[place] for run in _HIGH_RUNS.findall(sample) for place in range(0, len(run), 2)]
    lower = sum(0xB0 <= lead <= 0xC8 for lead in leads)
    return lower >= 10 and not any(lead > 0xC8 for lead in leads)


def _share_of_usual_big5(text: str) -> float:
    """Of the characters above 127, the share that are punctuation or of Big5's first, usual level."""
    leads = [char.encode("big5")[0] for char in text if char > "\x7f"]
    return sum(lead <= 0xC6 for lead in leads) / len(leads)


def _whole_lines(content: bytes) -> bytes:
    """The beginning of the file, cut at a line's end."""
    if len(content) <= SAMPLE_BYTES:
        return content
    cut = content.rfind(b"\n", 0, SAMPLE_BYTES)
    return content[: cut if cut > 0 else SAMPLE_BYTES]


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _share_in(text: str, encoding: str) -> float:
    """Of the characters above 127, the share that an encoding has."""
    high = [char for char in text if char > "\x7f"]
    kept = "".join(high).encode(encoding, "ignore").decode(encoding)
    return len(kept) / len(high) if high else 0.0
