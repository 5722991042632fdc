"""One pass over shards: items, what can be taught, and whether the examples are the same ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.errors import DataError
from model.shard_writing import write_shard
from model.shards import ShardFiles, shard_folders
from model.survey import digest_of, fingerprint, survey
from model.tasks import default_tasks, teachable
from model.vocabulary import Vocabulary
from tests.model.learnable_shards import HISTORY, ITEMS, TEXT_DIM, random_shard


def test_items_in_the_order_of_their_first_shard() -> None:
    one, other = random_shard(5, 1), random_shard(5, 2)
    other = replace(other, items=np.array(["new", *other.items[1:].tolist()]))
    seen = survey([one, other])
    assert seen.items == (*(f"i{k}" for k in range(ITEMS)), "new")
    assert (seen.history, seen.text_dim, seen.modalities) == (HISTORY, TEXT_DIM, {})


@pytest.mark.parametrize("rated", [0.0, 0.5, 1.0])
def test_the_pairs_teach_what_all_examples_would(rated: float) -> None:
    shards = [random_shard(30, seed, rated) for seed in range(2)]
    seen = survey(shards)
    every = [np.concatenate([getattr(each, name) for each in shards]) for name in ("action", "rating")]
    assert teachable(default_tasks(), seen.action, seen.rating) == teachable(default_tasks(), *every)
    assert len(seen.action) == len(seen.rating) <= 6


def test_shards_of_several_layouts_are_refused() -> None:
    short = random_shard(5)
    short = replace(short, history=short.history[:, :3])
    with pytest.raises(DataError, match="expected shards of one layout; got 2"):
        survey([random_shard(5), short])
    with pytest.raises(DataError, match="got 0"):
        survey([])


def test_a_fingerprint_tells_other_examples(tmp_path: Path) -> None:
    shard = random_shard(20)
    other = replace(shard, rating=np.where(np.arange(20) == 3, np.float32(2.5), shard.rating))
    assert fingerprint([shard]) == fingerprint([random_shard(20)]) != fingerprint([other])
    for place, made in (("a", shard), ("b", shard), ("c", random_shard(20, 1))):
        write_shard(made, tmp_path / place, "s")
    a, b, c = (fingerprint(ShardFiles(shard_folders(tmp_path / place))) for place in "abc")
    assert a == b != c


def test_a_digest_tells_other_vocabularies() -> None:
    assert digest_of(Vocabulary(("a",))) == digest_of(Vocabulary(("a",))) != digest_of(Vocabulary(("b",)))
