"""Traditional and simplified Chinese: one word, two spellings.

Simplified characters stand for several traditional ones (发 is 發 and 髮), and rarely the other way round. So
texts are compared by their simplified spelling, which is made word by word: 乾淨 is 干净, and 乾隆 stays
乾隆 (OpenCC, Apache-2.0, with its own tables). Both spellings are indexed: what was written is still found as
it was written.

Japanese has many of the same characters and other words. A text with kana is Japanese, and one with Hangul
Korean: they stay as they are. One of Han characters alone gets its second spelling whatever its language: a
term more, which hardly anybody asks for, and none less.
"""

from __future__ import annotations

import re
import threading
from collections import Counter

from opencc import OpenCC

from streams.search.analysis import terms

_han = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA, _HANGUL = (
    "\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d",
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
)
_other = re.compile(f"[{_KANA}{_HANGUL}]")
_own = threading.local()
"""A converter for each thread."""


def may_be_chinese(text: str) -> bool:
    """Whether a text has Han characters, and neither kana nor Hangul.

    >>> [may_be_chinese(text) for text in ("運動鞋 Nike", "東京の鞄", "한국 漢字", "shoes")]
    [True, False, False, False]
    """
    return not text.isascii() and _han.search(text) is not None and _other.search(text) is None


def simplified(text: str) -> str:
    """The simplified spelling of a text that may be Chinese; other texts as they are.

    >>> simplified("頭髮與發展"), simplified("東京の鞄")
    ('头发与发展', '東京の鞄')
    """
    if not may_be_chinese(text):
        return text
    converter: OpenCC | None = getattr(_own, "converter", None)
    if converter is None:
        converter = _own.converter = OpenCC("t2s")
    return str(converter.convert(text))


def second_spelling(text: str, written: list[str], indexed: bool = True) -> list[str]:
    """The terms of the simplified spelling that are not among those of the text as it is `written`.

    >>> second_spelling("運動鞋", ["運動", "動鞋", "鞋"]), second_spelling("运动鞋", ["运动", "动鞋", "鞋"])
    (['运动', '动鞋'], [])
    """
    other = simplified(text)
    if other == text:
        return []
    return list((Counter(terms(other, indexed)) - Counter(written)).elements())


def spellings(text: str) -> dict[str, str]:
    """Each term of a text whose simplified spelling is another one, with that spelling.

    >>> spellings("皮鞋與頭髮")
    {'鞋與': '鞋与', '與頭': '与头', '頭髮': '头发'}
    """
    written, other = terms(text), terms(simplified(text))
    if len(written) != len(other):  # a term at a time, then
        other = [simplified(term) for term in written]
    return {term: its for term, its in zip(written, other, strict=True) if its != term}
