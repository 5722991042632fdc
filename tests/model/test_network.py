"""The network: shapes, masks, fusion, and who is represented by what."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from export.random_inputs import random_inputs
from model.fusion import KINDS, Concat
from model.network import RATING_AT_FIRST, FusionNet, TargetAttention
from model.plan import NetworkPlan
from model.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    RESCORER_INPUTS,
    USER_INPUTS,
    FusionKind,
    RescorerInputs,
    UserInputs,
)
from tests.model.examples_of import ITEMS, SCHEMA

FUSIONS: tuple[FusionKind, ...] = ("weighted", "concat", "attention")


def small_net(fusion: FusionKind = "attention", seed: int = 0) -> FusionNet:
    torch.manual_seed(seed)
    net = FusionNet(NetworkPlan(width=8, hidden=(16, 8), fusion=fusion), SCHEMA, ITEMS).eval()
    torch.nn.init.normal_(net.rescorer.skip.weight, std=0.3)
    return net


def inputs(users: int, candidates: int, seed: int = 0, met: int = 4) -> RescorerInputs:
    """Every user has met `met` items."""
    given = random_inputs(SCHEMA, users, candidates, seed)
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    mask = np.zeros((users, SCHEMA.history), np.float32)
    mask[:, :met] = 1.0
    return given._replace(
        history_vectors=normal(*given.history_vectors.shape),
        history_features=normal(*given.history_features.shape),
        history_actions=rng.integers(1, 6, mask.shape),
        history_mask=mask,
    )


def run(net: FusionNet, given: RescorerInputs) -> np.ndarray:
    """[tasks, users, candidates]."""
    with torch.no_grad():
        return torch.stack(net.scoring()(*map(torch.from_numpy, given))).numpy()


def find(net: FusionNet, given: UserInputs) -> np.ndarray:
    """[users, user_dim]."""
    with torch.no_grad():
        found: np.ndarray = net.finding()(*map(torch.from_numpy, given)).numpy()
    return found


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize(("users", "candidates"), [(1, 1), (3, 7)])
def test_a_score_for_each_user_and_candidate(fusion: FusionKind, users: int, candidates: int) -> None:
    found = run(small_net(fusion), inputs(users, candidates))
    assert found.shape == (3, users, candidates)
    assert np.isfinite(found).all()


def test_the_inputs_come_in_the_order_of_the_schema() -> None:
    import inspect

    net = small_net()
    assert tuple(inspect.signature(net.rescorer.forward).parameters) == (
        "seen",
        *RESCORER_INPUTS[len(USER_INPUTS) :],
    )
    assert tuple(inspect.signature(net.view.forward).parameters) == USER_INPUTS
    assert RescorerInputs._fields == RESCORER_INPUTS
    assert UserInputs._fields == USER_INPUTS
    assert set(KINDS) == set(FUSIONS)
    given = inputs(1, 2)
    assert all(one is other for one, other in zip(given.of_users, given, strict=False))


def test_before_training_a_rating_is_the_middle_one_and_a_task_has_its_place() -> None:
    torch.manual_seed(0)
    net = FusionNet(NetworkPlan(width=8, hidden=(16, 8)), SCHEMA, ITEMS).eval()
    for each in (net.rescorer.heads.weight, net.rescorer.heads.bias):
        torch.nn.init.zeros_(each)
    click, rating, like = run(net, inputs(2, 3))
    assert rating == pytest.approx(RATING_AT_FIRST, abs=1e-6)
    assert not click.any()
    assert not like.any()


def test_it_knows_the_features_that_varied_in_training() -> None:
    net = small_net()
    names = net.schema.candidate_features
    net.rescorer.candidate_scale.scale[1] = 0.0  # as `fit_scales` has it of one that never varied
    assert [net.knows(each) for each in names] == [k != 1 for k in range(len(names))]
    assert not net.knows("unheard of")


def test_a_rating_stays_on_its_scale_whatever_was_learned() -> None:
    torch.manual_seed(0)
    net = FusionNet(NetworkPlan(width=8, hidden=(16, 8)), SCHEMA, ITEMS).eval()
    with torch.no_grad():
        net.rescorer.skip.weight.normal_(std=20.0)
    click, rating, _ = run(net, inputs(9, 30))
    assert rating.min() >= LOWEST_RATING
    assert rating.max() <= HIGHEST_RATING
    assert np.ptp(rating) > 3
    assert np.abs(click).max() > HIGHEST_RATING


@pytest.mark.parametrize("fusion", FUSIONS)
def test_padding_changes_no_score(fusion: FusionKind) -> None:
    """Neither what stands past the history's end nor further candidates or users."""
    net, given = small_net(fusion), inputs(2, 5)
    plain = run(net, given)
    rubbish = given._replace(
        history_vectors=np.where(given.history_mask[..., None] > 0, given.history_vectors, 1e3).astype(
            np.float32
        ),
        history_features=np.where(given.history_mask[..., None] > 0, given.history_features, -9).astype(
            np.float32
        ),
        history_actions=np.where(given.history_mask > 0, given.history_actions, 7),
    )
    np.testing.assert_allclose(run(net, rubbish), plain, atol=1e-5)
    np.testing.assert_allclose(find(net, rubbish.of_users), find(net, given.of_users), atol=1e-5)

    wider = given._replace(
        candidate_vectors=np.pad(given.candidate_vectors, ((0, 0), (0, 3), (0, 0))),
        candidate_features=np.pad(given.candidate_features, ((0, 0), (0, 3), (0, 0))),
    )
    np.testing.assert_allclose(run(net, wider)[:, :, :5], plain, atol=1e-5)
    one = given._replace(**{name: getattr(given, name)[:1] for name in RESCORER_INPUTS})
    np.testing.assert_allclose(run(net, one), plain[:, :1], atol=1e-5)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_empty_history_is_finite_and_attends_to_nothing(fusion: FusionKind) -> None:
    net, given = small_net(fusion), inputs(2, 5, met=0)
    found = run(net, given)
    assert np.isfinite(found).all()
    other = given._replace(history_vectors=given.history_vectors + 1)
    assert run(net, other).tobytes() == found.tobytes()


def other(value: np.ndarray, name: str) -> np.ndarray:
    if name == "history_mask":
        return np.zeros_like(value)
    return value % 5 + 1 if value.dtype == np.int64 else (value + 0.5).astype(np.float32)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_input_matters(fusion: FusionKind) -> None:
    net, given = small_net(fusion), inputs(2, 5)
    plain = run(net, given)
    for name in RESCORER_INPUTS:
        changed = other(getattr(given, name), name)
        assert not np.allclose(run(net, given._replace(**{name: changed})), plain, atol=1e-6), name


def test_everything_known_of_a_user_moves_their_vector() -> None:
    net, given = small_net(), inputs(2, 1).of_users
    plain = find(net, given)
    for name in USER_INPUTS:
        changed = other(getattr(given, name), name)
        assert not np.allclose(find(net, given._replace(**{name: changed})), plain, atol=1e-6), name


def test_attention_is_a_weighted_mean_of_the_values_by_hand() -> None:
    torch.manual_seed(1)
    attention = TargetAttention(query=3, key=5, width=4, heads=2)
    candidates, history = torch.randn(1, 2, 3), torch.randn(1, 4, 5)
    mask = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    with torch.no_grad():
        found = attention(candidates, history, mask)[0]
        q, k, v = attention.query(candidates)[0], attention.key(history)[0], attention.value(history)[0]
    for candidate in range(2):
        for head in (slice(0, 2), slice(2, 4)):
            logits = k[:3, head] @ q[candidate, head] / 2**0.5
            expected = (logits.exp() / logits.exp().sum()) @ v[:3, head]
            torch.testing.assert_close(found[candidate, head], expected)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_equal_views_fuse_to_a_function_of_one(fusion: FusionKind) -> None:
    """Weights that add up to one give the view back; concatenation gives a linear map of it."""
    torch.manual_seed(2)
    fuse = KINDS[fusion](3, 4)
    view = torch.randn(5, 4)
    with torch.no_grad():
        found = fuse([view, view, view])
    assert isinstance(fuse, Concat) == (fusion == "concat")
    if isinstance(fuse, Concat):
        with torch.no_grad():
            view = fuse.mix(view.repeat(1, 3))
    torch.testing.assert_close(found, view)


def whole(seed: int = 0) -> tuple[FusionNet, RescorerInputs]:
    """A network that reads a text and a rank, and candidates of which every fifth nobody has met."""
    names = ("popular_ever", "close", "text_taste", "rank_nearest", "rank_together")
    schema = msgspec.structs.replace(SCHEMA, candidate_features=names)
    torch.manual_seed(seed)
    net = FusionNet(NetworkPlan(width=8, hidden=(16, 8)), schema, ITEMS).eval()
    torch.nn.init.normal_(net.rescorer.skip.weight, std=0.3)
    return net, random_inputs(schema, 3, 20, seed)


def test_items_that_nobody_has_met_have_a_part_of_their_own() -> None:
    net, given = whole()
    before = run(net, given)[0]
    unmet = given.candidate_features[..., 0] == 0
    assert unmet.sum() == 12
    changes = {"close": 0.0, "rank_together": 0.0, "text_taste": 1.0, "rank_nearest": 1.0}
    for name, share in changes.items():
        features = given.candidate_features.copy()
        features[..., net.schema.candidate_features.index(name)] += 0.7
        moved = run(net, given._replace(candidate_features=features))[0] != before
        assert moved[unmet].mean() == pytest.approx(share, abs=0.35), name  # a dead unit may not move
        assert moved[~unmet].all(), name
    # Nor does anything else of theirs tell, or of the user's.
    others = given._replace(
        candidate_vectors=given.candidate_vectors + 1.0, user_features=given.user_features + 1.0
    )
    after = run(net, others)[0]
    assert np.array_equal(after[unmet], before[unmet])
    assert (after[~unmet] != before[~unmet]).all()


def test_schemas_without_such_features_have_no_such_part() -> None:
    assert small_net().rescorer.unmet is None  # a hint, noise and a count
    assert whole()[0].rescorer.unmet is not None
