"""A model in service: vectors kept up to date, requests laid out for one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.actions import ACTIONS
from model.errors import ManifestError
from model.feature_names import HISTORY_FEATURES, LIVE_FEATURES, USER_FEATURES
from model.hashing import attributes_of
from model.schema import F32, RescorerInputs, Schema, Scores
from model.vocabulary import Vocabulary
from streams.ranking.model_in_service import ModelInService
from streams.ranking.model_inputs import feature_names
from streams.ranking.rank_batch import RankBatch
from streams.settings.models import ModelSettings
from streams.state.catalog import ItemRecord
from streams.state.user_state import StateSettings
from tests.streams.core import START_MS, Small, toy_model, unit, with_settings

SOURCES = ("one", "two")
CLICK, REVIEW = ACTIONS.index("click"), ACTIONS.index("review")
NAMES = (*LIVE_FEATURES, "rank_one", "rank_two")


def model_of(
    features: tuple[str, ...], sources: tuple[str, ...]
) -> tuple[ModelInService, list[RescorerInputs]]:
    """A model that keeps what its rescorer was given."""
    seen: list[RescorerInputs] = []

    def score(inputs: RescorerInputs) -> Scores:
        seen.append(inputs)
        flat = inputs.candidate_features[..., 0]
        return Scores(flat, flat)

    schema = Schema(features, USER_FEATURES, HISTORY_FEATURES, history=5, item_dim=2)
    model = ModelInService("m", schema, Vocabulary(), no_tower, None, score, sources)
    model.vectors = np.arange(40, dtype=np.float32).reshape(20, 2)
    return model, seen


def no_tower(ids: NDArray[np.int64], content: Mapping[str, NDArray[Any]]) -> tuple[F32, F32]:
    """Nothing is known of any item."""
    return np.zeros((len(ids), 2), np.float32), np.zeros((len(ids), 32), np.float32)


def batch(small: Small, users: list[str], rows: list[list[int]], features: F32) -> RankBatch:
    """A request for each user, with these candidates; `features` of all of them, end to end."""
    made = small.core.pipeline.gather([small.request(user) for user in users])
    made.offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    made.rows, made.features = np.concatenate(rows).astype(np.int32), features
    return made


def score(model: ModelInService, made: RankBatch, chosen: list[int]) -> Scores:
    """The scores of these requests, of whose users the model makes what it needs."""
    return model.score(made, chosen, model.see(made.users.of(chosen)))


def columns(n: int, count: int) -> F32:
    """Each cell says its row and column."""
    return (100 * np.arange(n)[:, None] + np.arange(count)[None, :]).astype(np.float32)


def test_the_features_are_the_live_ones_and_a_rank_for_each_source() -> None:
    assert feature_names(SOURCES) == NAMES


@pytest.mark.parametrize(
    "wanted",
    [NAMES, NAMES[:-1], NAMES[::-1], (NAMES[-1], NAMES[3])],
    ids=["all", "a source it does not know", "another order", "some"],
)
def test_a_model_gets_the_features_it_names_in_its_own_order(wanted: tuple[str, ...]) -> None:
    small = Small(items=20)
    small.act("u", 7)
    model, seen = model_of(wanted, SOURCES)
    given = columns(3, len(NAMES))
    score(model, batch(small, ["u"], [[1, 2, 3]], given), [0])
    expected = np.stack([given[:, NAMES.index(name)] for name in wanted], axis=1)
    assert seen[0].candidate_features[0].tolist() == expected.tolist()


def test_a_feature_that_is_not_computed_is_named() -> None:
    with pytest.raises(ManifestError, match="rank_three; retrain"):
        model_of((*NAMES, "rank_three"), SOURCES)


def test_requests_are_laid_out_side_by_side_and_padded() -> None:
    small = Small(items=20)
    small.act("u", 7)
    small.act("u", 9, rating=5.0)
    model, seen = model_of(NAMES, SOURCES)
    given = columns(4, len(NAMES))
    made = batch(small, ["u", "nobody"], [[1, 2, 3], [4]], given)
    made.users.liked[0], made.users.query[0], made.users.profile[0] = 2.0, 3.0, np.arange(8)
    scores = score(model, made, [0, 1])
    (inputs,) = seen
    assert inputs.history_vectors[0].tolist() == [[18, 19], [14, 15], [0, 0], [0, 0], [0, 0]]
    assert inputs.history_mask.tolist() == [[1, 1, 0, 0, 0], [0] * 5]
    assert not inputs.history_vectors[1].any()
    assert inputs.candidate_vectors[0].tolist() == [[2, 3], [4, 5], [6, 7]]
    assert inputs.candidate_vectors[1].tolist() == [[8, 9], [0, 0], [0, 0]]
    assert inputs.candidate_features[0].tolist() == given[:3].tolist()
    assert inputs.candidate_features[1, 0].tolist() == given[3].tolist()
    assert not inputs.candidate_features[1, 1:].any()
    assert (inputs.user_features == made.users.user_features).all()
    assert (inputs.history_features[0] == made.users.history_features[0, :5]).all()
    assert scores.click.tolist() == [*given[:3, 0].tolist(), given[3, 0]]
    assert inputs.history_actions.tolist() == [[REVIEW + 1, CLICK + 1, 0, 0, 0], [0] * 5]
    assert inputs.profile.tolist() == [list(range(8)), [0] * 8]
    assert inputs.liked[:, 0].tolist() == [2, 0]
    assert inputs.query[:, 0].tolist() == [3, 0]
    for name, each in inputs._asdict().items():
        assert each.dtype == (np.int64 if name in ("history_actions", "profile") else np.float32), name
    score(model, made, [1])
    assert seen[1].candidate_vectors.tolist() == [[[8, 9]]]


def test_a_model_trained_on_longer_histories_than_are_kept_has_nothing_behind_them() -> None:
    small = Small(items=20, settings=with_settings(state=StateSettings(history=3)))
    for row in (7, 9, 11, 13):
        small.act("u", row)
    model, seen = model_of(NAMES, SOURCES)
    score(model, batch(small, ["u"], [[1]], columns(1, len(NAMES))), [0])
    assert seen[0].history_mask.tolist() == [[1, 1, 1, 0, 0]]


def test_vectors_follow_the_catalog() -> None:
    small = Small(items=3)
    small.announce(1, unit(np.ones(64)))
    model = toy_model(small.core.pipeline)
    model.refresh(small.core.catalog)
    assert model.vectors[:3, 0].tolist() == [1, 2, 3]
    assert model.vectors[1, 1:].tolist() == [0.125] * 3

    small.core.meet(["new"], START_MS)
    small.announce(2, unit(np.ones(64)), ts=START_MS + 1)
    model.refresh(small.core.catalog)
    assert model.vectors[3].tolist() == [0, 0, 0, 0]  # not in the vocabulary, no text
    assert model.vectors[2, 1:].tolist() == [0.125] * 3
    assert model.known == 4


def test_a_model_that_comes_later_knows_every_item() -> None:
    small = Small(items=300)
    small.draft("u")  # without a model
    model = toy_model(small.core.pipeline)
    small.core.serve(model)
    small.draft("u")
    assert model.vectors[:300, 0].tolist() == [(row + 1) % 7 for row in range(300)]


def test_a_modality_the_catalog_does_not_keep_as_the_model_wants_it_is_missing_for_all() -> None:
    small = Small(items=3, settings=with_settings(model=ModelSettings(image_dim=2, audio_dim=4)))
    image = np.array([0.5, 0.25], np.float16)
    small.core.put_item(1, ItemRecord("i1", START_MS, image=image.tobytes(), audio=bytes(8), tags=["x"]))
    seen: list[dict[str, NDArray[Any]]] = []

    def tower(ids: NDArray[np.int64], content: Mapping[str, NDArray[Any]]) -> tuple[F32, F32]:
        seen.append(dict(content))
        return no_tower(ids, content)

    schema = Schema(
        NAMES, USER_FEATURES, HISTORY_FEATURES, modalities={"image": 2, "audio": 5, "video": 3}, item_dim=2
    )

    def score(inputs: RescorerInputs) -> Scores:
        raise AssertionError("not asked")

    ModelInService("m", schema, Vocabulary(), tower, None, score, SOURCES).refresh(small.core.catalog)
    (content,) = seen
    assert list(content) == ["text", "attributes", *schema.modalities]
    assert content["image"].tolist() == [[0, 0], [0.5, 0.25], [0, 0]]
    assert content["audio"].shape == (3, 5)
    assert not content["audio"].any()
    assert content["video"].shape == (3, 3)
    assert content["attributes"].dtype == np.int64
    assert content["attributes"][1].tolist() == attributes_of([], ["x"], None).tolist()
    assert [content[name].dtype for name in ("text", *schema.modalities)] == [np.dtype(np.float32)] * 4
