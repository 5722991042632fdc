"""The protocol of queries from reviews, and its metrics against scikit-learn."""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from benchmarks.search_quality import figures, ways, write_dataset
from benchmarks.search_queries import Purchase, phrases, read_purchases, searches_of
from streams.settings.search import SearchSettings

DAY_MS = 86_400_000
KINDS = ["guitar strap", "drum stick", "piano bench", "violin bow"]


def purchases(users: int = 30, items: int = 24) -> list[Purchase]:
    """Each user buys ten items, one a day; the reviews name the item's kind, and a word of its own."""
    rng = np.random.default_rng(4)
    found = []
    for user in range(users):
        for day, item in enumerate(rng.permutation(items)[:10].tolist()):
            text = f"The {KINDS[item % 4]} is fine. Mine has special feature{item}."
            found.append(Purchase(f"u{user}", f"i{item}", day * DAY_MS, text))
    return sorted(found, key=lambda each: each.ts_ms)


def test_the_last_fifth_of_each_user_is_the_test() -> None:
    made = searches_of(purchases())
    last = defaultdict[str, int](int)
    for asked in made.train:
        last[asked.purchase.user] = max(last[asked.purchase.user], asked.purchase.ts_ms)
    assert len(made.train) == 30 * 8
    for asked in made.test:
        assert asked.purchase.ts_ms > last[asked.purchase.user]


def test_hidden_queries_are_in_no_purchase_of_the_training() -> None:
    made = searches_of(purchases())
    taught = {asked.query for asked in made.train}
    kinds = [asked for asked in made.test if asked.kind == "kind"]
    assert kinds
    for asked in kinds:
        if asked.hidden:
            assert asked.query not in taught


def test_kinds_are_shared_by_items_and_texts_are_of_the_training_alone() -> None:
    made = searches_of(purchases())
    assert {asked.query for asked in made.test if asked.kind == "kind"} <= set(KINDS)
    for item, text in made.texts.items():
        assert text.count("special") == sum(asked.purchase.item == item for asked in made.train)
    assert searches_of(purchases()) == made


def test_phrases_name_something() -> None:
    assert phrases("I really love the guitar strap, and the price is good.") == ["guitar strap"]


def test_a_zip_is_read_by_time(tmp_path: Path) -> None:
    rows = [
        {"reviewerID": "a", "asin": "x", "unixReviewTime": 5, "reviewText": "late", "summary": "s"},
        {"reviewerID": "b", "asin": "x", "unixReviewTime": 3, "reviewText": "early"},
    ]
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as archive:
        archive.writestr("r.json", "\n".join(map(json.dumps, rows)))
    read = read_purchases(tmp_path / "r.zip")
    assert [each.user for each in read] == ["b", "a"]
    assert read[1].text == "s. late"


def test_purchases_become_a_dataset(tmp_path: Path) -> None:
    events, items = write_dataset(searches_of(purchases()), tmp_path)
    assert events.read_text().splitlines()[0] == "user_id,item_id,timestamp,query"
    assert len(items.read_text().splitlines()) == 25


def test_figures_are_scikit_learns() -> None:
    rng = np.random.default_rng(8)
    scores = rng.normal(size=(40, 50))
    right = rng.integers(0, 50, 40)
    truth = np.zeros((40, 50))
    truth[np.arange(40), right] = 1
    places = [int((row > row[at]).sum()) + 1 for row, at in zip(scores, right, strict=True)]
    told = figures(places, places)
    assert told["ndcg@10"]["value"] == pytest.approx(ndcg_score(truth, scores, k=10), abs=1e-4)
    average = label_ranking_average_precision_score(truth, scores)
    assert told["mrr"]["value"] == pytest.approx(average, abs=1e-4)
    assert told["above fusion"]["value"] == 0.0


def test_the_ways_differ_in_what_they_say() -> None:
    by_name = {way.name: way for way in ways(SearchSettings())}
    assert not by_name["words"].vectors
    assert by_name["meaning"].settings.words == 0.0
    assert by_name["net"].settings.personal_floor == 1.0
    assert by_name["net, personal"].settings.net > 0.0
