"""The benchmark by the size of the catalogue, small."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from streams.bench import catalogue as bench
from streams.bench.array_bytes import array_bytes
from streams.bench.synthetic import themed
from streams.ranking.pipeline import source_names
from streams.settings.ranking import IndexSettings
from streams.settings.tree import Settings


def test_a_row_for_each_size_says_what_stages_sources_and_indexes_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "USERS", 20)
    monkeypatch.setattr(bench, "EVENTS", 300)
    monkeypatch.setattr(bench, "ROUNDS", 2)
    settings = msgspec.structs.replace(Settings(), index=IndexSettings(from_items=1_000))
    small, large = bench.catalogue_rows([200, 2_000], settings, batch=4)
    assert (small.items, large.items) == (200, 2_000)
    for row in (small, large):
        assert {*row.source_us} == {*source_names()}
        assert {"Filter", "Find", "Blend", "Features"} <= {*row.stage_us}
        assert all(spent > 0 for spent in row.stage_us.values())
        assert {*row.start_s} == {"items", "index of texts"}
        assert row.snapshot.pieces > 2
        assert 0 < row.snapshot.longest_ms < row.snapshot.all_ms
    assert small.recall == {}
    assert {*large.recall} == {"nearest"}
    assert large.recall["nearest"] >= 0.95


def test_each_memory_counts_once_by_the_array_that_owns_it() -> None:
    whole = np.zeros((10, 4))
    held = SimpleNamespace(first=whole[:3], again=whole, more={"x": [np.zeros(5, np.int8)]}, none=None)
    assert array_bytes(held, "h") == {"h.first": 320, "h.more[x][0]": 5}


def test_themed_vectors_are_of_unit_length_and_nearer_to_their_theme_than_chance() -> None:
    vectors = themed(2_000, 64, 1)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    products = np.sort(vectors @ vectors[0])[::-1]
    assert products[20] > 0.5  # a random direction of 64 has one at .5 among a hundred thousand
    assert themed(2_000, 64, 1).tobytes() == vectors.tobytes()
