"""The word index: it finds what stands in the items, and survives what breaks its writer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tantivy
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.search.analysis import terms
from streams.search.documents import ItemDocument, document_of
from streams.search.words import STEM, Words
from streams.state.catalog import ItemRecord

WORDS = st.sampled_from(["guitar", "guitars", "strap", "耳机", "红色", "sm57", "the", "🎸", "кожа"])
TITLES = st.lists(st.lists(WORDS, max_size=5).map(" ".join), min_size=1, max_size=12)


def documents(titles: Sequence[str], first: int = 0) -> list[ItemDocument]:
    return [
        document_of(row, ItemRecord(f"i{row}", 1, title=title)) for row, title in enumerate(titles, first)
    ]


def rows(words: Words, *asked: str, limit: int = 100) -> set[int]:
    return set(words.search([[(term, 1.0)] for term in asked], limit).rows.tolist())


@given(TITLES, WORDS)
@settings(max_examples=30, deadline=None)
def test_it_finds_what_brute_force_finds(titles: list[str], word: str) -> None:
    words = Words()
    words.put(documents(titles))
    asked = terms(word)
    has = {row for row, title in enumerate(titles) if set(asked) & set(terms(title, indexed=True))}
    assert rows(words, *asked) == has
    for term in asked:
        assert words.frequency(term) == sum(term in terms(title, indexed=True) for title in titles)


@given(TITLES, st.lists(WORDS, min_size=1, max_size=4, unique=True), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_what_items_hold_of_some_words_is_what_counting_says(
    titles: list[str], asked: list[str], few: int
) -> None:
    """A word counts its inverse document frequency, however often an item has it."""
    words = Words()
    words.put(documents(titles))
    every = list(dict.fromkeys(term for word in asked for term in terms(word)))
    has = [set(terms(title, indexed=True)) for title in titles]
    rarity = {
        term: math.log1p((len(titles) - n + 0.5) / (n + 0.5))
        for term in every
        for n in [sum(term in each for each in has)]
    }
    chosen = np.arange(min(few, len(titles)), dtype=np.int32)
    expected = np.mean([sum(rarity[term] for term in every if term in has[row]) for row in chosen])
    found = words.held([[(term, 1.0)] for term in every], chosen)
    assert found == pytest.approx(expected / sum(rarity.values()), abs=1e-5)
    assert words.held([], chosen) == words.held([[("guitar", 1.0)]], chosen[:0]) == 0.0


@given(st.lists(st.tuples(st.integers(0, 4), TITLES.map(lambda titles: titles[0])), max_size=12))
@settings(max_examples=30, deadline=None)
def test_what_is_said_last_of_an_item_is_found_and_nothing_else(changes: list[tuple[int, str]]) -> None:
    words, latest = Words(), dict[int, str]()
    for row, title in changes:
        words.put(documents([title], row))
        latest[row] = title
    for word in ("guitar", "strap", "sm57"):
        assert rows(words, word) == {row for row, title in latest.items() if word in title.split()}
    assert len(words) == len(latest)


def test_a_title_counts_more_than_a_text() -> None:
    words = Words()
    words.put(
        [
            document_of(0, ItemRecord("a", 1, title="strap", description="for the guitar")),
            document_of(1, ItemRecord("b", 1, title="guitar", description="with a strap")),
        ]
    )
    assert words.search([[("guitar", 1.0)]], 5).rows.tolist() == [1, 0]


def test_a_common_word_is_not_looked_for_in_texts_where_enough_titles_have_it() -> None:
    words = Words()
    titles = {row: f"strap {row}" if row % 4 else f"strap {row} guitar" for row in range(40)}
    words.put(
        [
            document_of(row, ItemRecord(f"i{row}", 1, title=title, description="for a guitar"))
            for row, title in titles.items()
        ]
    )
    named = set(range(0, 40, 4))
    assert rows(words, "guitar", limit=10) == named, "all ten have it in the title"
    assert rows(words, "guitar", limit=11) > named, "who asks for more gets those that have it in the text"
    assert rows(words, "guitar", limit=100) == set(titles)
    asked = [[("guitar", 1.0)], [("3", 1.0)]]
    best = words.search(asked, 5).rows.tolist()
    assert best[0] == 3, "a rare word brings what has the common one in its text alone"
    among = words.search([[("guitar", 1.0)]], 1, np.array([1, 2, 3]))
    assert len(among.rows) == 1, "where few are asked for, all are looked at"
    assert not words.search([[("guitar", 1.0)]], 10).whole
    words.put([document_of(row, ItemRecord(f"i{row}", 1, title="strap")) for row in named])
    assert rows(words, "guitar", limit=10) <= set(titles) - named, "those are no more that were counted"
    assert len(rows(words, "guitar", limit=10)) == 10


def test_two_words_written_as_one_stand_no_higher_than_the_two() -> None:
    words = Words()
    titles = [
        "a web browser, small",
        "webbrowser bindings for a library",
        *(f"web thing {n}" for n in range(20)),
    ]
    words.put(documents([*titles, *(f"browser thing {n}" for n in range(20))]))
    together = ("webbrowser", 0.9)
    found = words.search([[("web", 1.0), together], [("browser", 1.0), together]], 3)
    assert found.rows.tolist()[0] == 0
    alone = words.search([[("web", 1.0)], [("browser", 1.0)]], 3)
    assert found.scores[0] == pytest.approx(alone.scores[0]), "what has both as they were typed"
    by_itself = words.search([[("wbe", 1.0), ("webbrowser", 0.9)]], 3)
    assert by_itself.rows.tolist() == [1], "a word that nobody has takes nothing from its spellings"


def test_a_name_with_a_sign_is_another_name_than_its_letters() -> None:
    words = Words()
    words.put(
        documents(["C primer", "C compiler in C", "C++ primer", "C# primer", ".NET primer", "net primer"])
    )

    def best(text: str) -> int:
        return int(words.search([[(term, 1.0)] for term in terms(text)], 1).rows[0])

    assert [best(text) for text in ("c++", "C#", ".net")] == [2, 3, 4]


def test_stems_stand_beside_the_words_and_are_no_words() -> None:
    words = Words()
    words.put(documents(["the straps of the guitars"]))
    assert rows(words, STEM + "guitar") == {0}
    assert rows(words, "guitar") == set()
    assert "guitars" in dict(words.beginning("gui", 10))
    assert words.beginning(STEM, 10) == []


def test_what_has_not_changed_is_not_written_again() -> None:
    words = Words()
    assert len(words.put(documents(["one", "two"]))) == 2
    assert words.put(documents(["one"])) == []
    assert len(words.put(documents(["one more"]))) == 1


def test_a_writer_that_breaks_is_made_anew_and_one_item_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = Words()
    words.put(documents(["guitar before"]))
    good = words._made

    def poisoned(document: ItemDocument) -> object:
        made = good(document)
        if "poison" in document.title:
            wrong = tantivy.Document()
            wrong.add_text("title", "poison")
            wrong.add_integer("row", -1)  # of a type that the field has not: it ends the writer's thread
            return made._replace(document=wrong)
        return made

    monkeypatch.setattr(words, "_made", poisoned)
    words.put(documents(["guitar one", "poison", "guitar two", "guitar three"], 10))
    assert rows(words, "guitar") == {0, 10, 12, 13}
    assert words.left_out == 1
    assert words.rebuilt >= 1
    assert "made anew" in caplog.text
    assert "row 11" in caplog.text
    words.put(documents(["guitar four"], 20))
    assert 20 in rows(words, "guitar")


def test_a_folder_keeps_the_index(tmp_path: Path) -> None:
    before = Words(tmp_path)
    before.put(documents(["the guitar of the band", "correa para la guitarra"]))
    with pytest.raises(ValueError, match="Lock"):
        Words(tmp_path)
    before.close()
    after = Words(tmp_path)
    assert rows(after, "guitar") == {0}
    assert after.languages == before.languages
    assert after.put(documents(["the guitar of the band"])) == []
    after.keep_only(np.array([0]))
    assert len(after) == 1
    assert ("band", 1) in after.vocabulary()


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_text_can_be_indexed_and_asked(text: str) -> None:
    words = Words()
    words.put([document_of(0, ItemRecord("i", 1, title=text, categories=[text], attributes={text: text}))])
    asked = terms(text)
    assert rows(words, *asked) == ({0} if asked else set())
    assert words.left_out == 0
