"""Terms: what is indexed and what is asked come out the same, in any script."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.search.analysis import LONGEST_TERM, joined, terms
from streams.search.languages import LANGUAGES, language_of, stem, stems
from streams.search.scripts import normalized, unspaced
from streams.settings.search import Language


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("O'Neill l'eau", ["neill", "oneill", "eau", "leau"]),
        ("AC/DC", ["ac", "dc", "acdc"]),
        ("C++ g++-12 ＧＴＫ＋", ["c", "c++", "g", "12", "g++", "gtk", "gtk+"]),
        ("C#开发 ASP.NET (.NET)", ["c", "开发", "c#", "asp", "net", "aspnet", "net", ".net"]),
        (
            "a+b 10+ c++11 x+++ ...wait .5 ../up end.Next",
            [
                "a",
                "b",
                "10",
                "c",
                "11",
                "x",
                "wait",
                "5",
                "up",
                "end",
                "next",
                "endnext",
            ],
        ),
        ("10.5mm 1/4", ["10", "5mm", "1", "4"]),
        ("Noël İstanbul ΕΛΛΆΔΑ ёлка", ["noel", "istanbul", "ελλαδα", "елка"]),
        ("iphone手机壳", ["iphone", "手机", "机壳"]),
        ("전자기타", ["전자", "자기", "기타"]),
        ("इलेक्ट्रिक गिटार", ["इलेक्ट्रिक", "गिटार"]),
        ("ＡＢＣ　１２", ["abc", "12"]),
        ('"(foo OR bar) +x -y title:z*~2"', ["foo", "or", "bar", "x", "y", "title", "z", "2"]),
        ("🎸🎸", ["🎸", "🎸"]),
        ("a\ud83d b", ["a", "b"]),
        ("\x00 ___ () ''", []),
    ],
)
def test_terms_of(text: str, found: list[str]) -> None:
    assert terms(text) == found


def test_thai_is_cut_between_letters_and_never_before_a_mark() -> None:
    assert terms("กีตาร์") == ["กีต", "ตา", "าร์"]


@given(st.text(max_size=200))
def test_any_text_has_terms_that_stay_themselves_in_the_index(text: str) -> None:
    for indexed in (False, True):
        found = terms(text, indexed)
        assert joined(found).split() == found
        assert all(0 < len(term) <= LONGEST_TERM for term in found)
        joined(found).encode()


@given(st.text(max_size=60))
def test_what_is_asked_is_among_what_is_indexed(text: str) -> None:
    assert set(terms(text)) <= set(terms(text, indexed=True))


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=60))
def test_case_makes_no_difference(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)


def test_stems_meet_across_endings_and_accents() -> None:
    assert stem("guitars", "english") == stem("guitar", "english")
    assert stem(normalized("canciones"), "spanish") == stem(normalized("canción"), "spanish")
    assert stem("运动", "english") == "运动"
    for language in LANGUAGES:
        assert isinstance(stems(["guitars", "sm57", "运动", "чехлы"], language), list)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a strap for the guitar", "english"),
        ("correa para la guitarra de cuero", "spanish"),
        ("une sangle pour la guitare et le bureau", "french"),
        ("ein Gurt für die Gitarre mit dem Namen", "german"),
        ("ремень для гитары и для баса из кожи", "russian"),
        ("guitar strap", ""),
        ("运动鞋 男款", ""),
    ],
)
def test_language_of(text: str, language: str) -> None:
    assert language_of(terms(text)) == language
    assert not unspaced("guitar")


def test_the_settings_name_the_languages_that_there_are() -> None:
    assert set(get_args(Language)) == set(LANGUAGES)
