"""The network: shapes, masks, fusion, and who is represented by what."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.fusion import KINDS
from model.network import FusionNet, NetworkConfig, Standardise, TargetAttention
from model.schema import RESCORER_INPUTS, FusionKind, RescorerInputs
from tests.model.examples_of import SCHEMA

FUSIONS: tuple[FusionKind, ...] = ("weighted", "concat", "attention")


def small_net(fusion: FusionKind = "attention", seed: int = 0) -> FusionNet:
    torch.manual_seed(seed)
    net = FusionNet(NetworkConfig(vocabulary=30, width=8, hidden=(16, 8), fusion=fusion), SCHEMA).eval()
    torch.nn.init.normal_(net.rescorer.click_skip.weight, std=0.3)
    torch.nn.init.normal_(net.rescorer.rating_skip.weight, std=0.3)
    return net


def inputs(users: int, candidates: int, seed: int = 0, met: int = 4) -> RescorerInputs:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    mask = np.zeros((users, SCHEMA.history), np.float32)
    mask[:, :met] = 1.0
    return RescorerInputs(
        normal(users, SCHEMA.history, SCHEMA.item_dim),
        normal(users, SCHEMA.history, len(SCHEMA.history_features)),
        mask,
        normal(users, len(SCHEMA.user_features)),
        normal(users, SCHEMA.words_dim),
        normal(users, candidates, SCHEMA.item_dim),
        normal(users, candidates, len(SCHEMA.candidate_features)),
    )


def run(net: FusionNet, given: RescorerInputs) -> np.ndarray:
    """[2, users, candidates]: clicks and ratings."""
    with torch.no_grad():
        return torch.stack(net.rescorer(*map(torch.from_numpy, given))).numpy()


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize(("users", "candidates"), [(1, 1), (3, 7)])
def test_a_score_for_each_user_and_candidate(fusion: FusionKind, users: int, candidates: int) -> None:
    found = run(small_net(fusion), inputs(users, candidates))
    assert found.shape == (2, users, candidates)
    assert np.isfinite(found).all()


def test_the_inputs_come_in_the_order_of_the_schema() -> None:
    import inspect

    assert tuple(inspect.signature(small_net().rescorer.forward).parameters) == RESCORER_INPUTS
    assert RescorerInputs._fields == RESCORER_INPUTS
    assert set(KINDS) == set(FUSIONS)


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
    )
    np.testing.assert_allclose(run(net, rubbish), plain, atol=1e-5)

    wider = given._replace(
        candidate_vectors=np.pad(given.candidate_vectors, ((0, 0), (0, 3), (0, 0))),
        candidate_features=np.pad(given.candidate_features, ((0, 0), (0, 3), (0, 0))),
    )
    np.testing.assert_allclose(run(net, wider)[:, :, :5], plain, atol=1e-5)
    one = RescorerInputs(*(each[:1] for each in given))
    np.testing.assert_allclose(run(net, one), plain[:, :1], atol=1e-5)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_empty_history_is_finite_and_attends_to_nothing(fusion: FusionKind) -> None:
    net, given = small_net(fusion), inputs(2, 5, met=0)
    found = run(net, given)
    assert np.isfinite(found).all()
    other = given._replace(history_vectors=given.history_vectors + 1)
    assert run(net, other).tobytes() == found.tobytes()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_input_matters(fusion: FusionKind) -> None:
    net, given = small_net(fusion), inputs(2, 5)
    plain = run(net, given)
    for name in RESCORER_INPUTS:
        value = getattr(given, name)
        changed = np.zeros_like(value) if name == "history_mask" else value + 0.5
        assert not np.allclose(run(net, given._replace(**{name: changed})), plain, atol=1e-6), name


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
    if fusion == "concat":
        with torch.no_grad():
            view = fuse.mix(view.repeat(1, 3))  # type: ignore[operator]  # the layer of Concat
    torch.testing.assert_close(found, view)


def test_an_item_without_an_id_is_told_by_its_text() -> None:
    tower = small_net().item_tower
    text = torch.randn(3, SCHEMA.text_dim)
    with torch.no_grad():
        unknown = tower(torch.zeros(3, dtype=torch.long), text)
        known = tower(torch.tensor([1, 2, 3]), text)
    half = SCHEMA.item_dim // 2
    assert (unknown[:, :half] == unknown[0, :half]).all()
    assert not torch.allclose(known[0, :half], known[1, :half])
    torch.testing.assert_close(unknown[:, half:], known[:, half:])
    assert not torch.allclose(unknown[0, half:], unknown[1, half:])


def test_ids_are_forgotten_in_training_alone() -> None:
    tower = small_net().item_tower
    tower.forget = 1.0
    ids, text = torch.tensor([5]), torch.zeros(1, SCHEMA.text_dim)
    half = SCHEMA.item_dim // 2
    with torch.no_grad():
        assert not torch.equal(tower.eval()(ids, text)[0, :half], tower.embedding.weight[0])
        assert torch.equal(tower.train()(ids, text)[0, :half], tower.embedding.weight[0])


def test_standardising_takes_mean_and_deviation_away_and_cuts_what_is_far() -> None:
    rows = torch.randn(200, 3) * torch.tensor([5.0, 0.1, 1.0]) + 7
    rows[:, 2] = 4.0  # a feature that never changes
    scale = Standardise(3)
    scale.fit(rows)
    found = scale(rows)
    torch.testing.assert_close(found[:, :2].mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(found[:, :2].std(0, unbiased=False), torch.ones(2), atol=0.05, rtol=0)
    assert found.isfinite().all()
    assert found[:, 2].abs().max() < 1e-3
    assert scale(torch.full((1, 3), 1e9)).max() == 5.0
