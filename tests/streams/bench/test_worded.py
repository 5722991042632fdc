"""Titles that can be searched, and searches that have an answer."""

from __future__ import annotations

from pathlib import Path

from export.sentencepiece.model_file import read_model_file
from export.sentencepiece.pieces import load_pieces, save_pieces
from export.universal.files import MODEL_FILE
from model.universal import universal_folder
from streams.bench.synthetic import catalogue
from streams.bench.worded import QUERIES, TITLE, queries_for, worded


def test_items_get_words_and_keep_all_else() -> None:
    plain = catalogue(200, 8, 5, 7)
    made = worded(plain, 7)
    assert made == worded(plain, 7)
    assert list(made) == list(plain)
    for item_id, record in made.items():
        assert len(record.title.split()) == TITLE
        assert (record.text, record.price) == (plain[item_id].text, plain[item_id].price)
    words = [word for record in made.values() for word in record.title.split()]
    assert len(set(words)) < len(words), "some words are common"


def test_known_words_are_one_piece_each(tmp_path: Path) -> None:
    save_pieces(read_model_file(universal_folder() / MODEL_FILE), tmp_path / "pieces.npz")
    pieces = load_pieces(tmp_path / "pieces.npz")
    made = worded(catalogue(200, 8, 5, 7), 7, "known")
    titles = [record.title for record in made.values()]
    assert all(len(title.split()) == TITLE for title in titles)
    whole = [len(ids) - pieces.ends == TITLE for ids in pieces.ids(titles)]
    assert sum(whole) == len(titles), "no word of a title falls into pieces"
    assert len({word for title in titles for word in title.split()}) > 300


def test_searches_are_words_of_one_title_and_every_fourth_has_a_slip() -> None:
    titles = ["alpha bravo charlie delta", "echo foxtrot golf hotel"]
    found = queries_for(titles, 3)
    assert len(found) == QUERIES
    assert found == queries_for(titles, 3)
    right = [query for query in found if any(set(query.split()) <= set(title.split()) for title in titles)]
    assert QUERIES * 3 // 4 <= len(right) < QUERIES
    for query in found:
        assert len(query.split()) == 3
