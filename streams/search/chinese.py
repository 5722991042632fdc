"""Traditional and simplified Chinese: one word, two spellings.

Simplified characters stand for several traditional ones (发 is 發 and 髮), and rarely the other way round. So
texts are compared by their simplified spelling, which is made word by word: 乾淨 is 干净, and 乾隆 stays
乾隆 (OpenCC, Apache-2.0, with its own tables). Both spellings are indexed: what was written is still found as
it was written.

Taiwan and the mainland have different words for some things: 硬碟 is 硬盘, 滑鼠 is 鼠标. OpenCC knows those
of computers and the household. A text in traditional characters is indexed by the mainland's words too; a
query looks for both. A text in simplified ones stays: in it 程序 is a program, in Taiwan a process.

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
from streams.search.scripts import normalized

_han = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA, _HANGUL = (
    "\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d",
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
)
_other = re.compile(f"[{_KANA}{_HANGUL}]")
_own = threading.local()
"""Converters for each thread."""


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
    return _converted(text, "t2s")


def mainland(text: str) -> str:
    """The same with the mainland's words for those of Taiwan.

    >>> mainland("滑鼠與隨身碟"), mainland("鼠标与U盘")
    ('鼠标与U盘', '鼠标与U盘')
    """
    return _converted(text, "tw2sp") if may_be_chinese(text) else text


def _converted(text: str, how: str) -> str:
    converter: OpenCC | None = getattr(_own, how, None)
    if converter is None:
        converter = OpenCC(how)
        setattr(_own, how, converter)
    return str(converter.convert(text))


def second_spelling(text: str, written: list[str], indexed: bool = True) -> list[str]:
    """The terms of the simplified spelling and of the mainland's words that are not among those of the text
    as it is `written`.

    >>> second_spelling("運動鞋", ["運動", "動鞋", "鞋"]), second_spelling("运动鞋", ["运动", "动鞋", "鞋"])
    (['运动', '动鞋'], [])
    """
    other = simplified(text)
    if other == text:
        return []
    more = list((Counter(terms(other, indexed)) - Counter(written)).elements())
    if (there := mainland(text)) != other:
        more += (Counter(terms(there, indexed)) - Counter([*written, *more])).elements()
    return more


def spellings(text: str) -> dict[str, str]:
    """Each term of a text whose simplified spelling is another one, with that spelling.

    >>> spellings("皮鞋與頭髮")
    {'鞋與': '鞋与', '與頭': '与头', '頭髮': '头发'}
    """
    written, other = terms(text), terms(simplified(text))
    if len(written) != len(other):  # a term at a time, then
        other = [simplified(term) for term in written]
    return {term: its for term, its in zip(written, other, strict=True) if its != term}


def elsewhere(text: str) -> dict[str, str]:
    """Each term of a query that the mainland says with another word, with the term at its place in that word.

    >>> elsewhere("滑鼠"), elsewhere("無線 隨身碟"), elsewhere("鼠标")
    ({'滑鼠': '鼠标'}, {'隨身': 'u', '身碟': '盘'}, {})
    """
    found = dict[str, str]()
    for run in normalized(text).split() if may_be_chinese(text) else ():
        if (there := mainland(run)) != (here := simplified(run)):
            own, simple = terms(run), terms(here)
            if len(own) == len(simple):
                found |= {
                    term: its
                    for term, same, its in zip(own, simple, terms(there), strict=False)
                    if its not in (term, same)
                }
    return found
