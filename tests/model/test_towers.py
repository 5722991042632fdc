"""What an item and a user are represented by."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from model.hashing import ATTRIBUTE_BUCKETS
from model.network import FusionNet
from model.plan import NetworkPlan
from model.towers import Bag, ItemTower
from tests.model.examples_of import IMAGE, ITEMS, SCHEMA, SEEING
from tests.model.test_network import find, inputs, small_net

HALF = SCHEMA.item_dim // 2
PLAN = NetworkPlan(width=8, hidden=(16, 8))


def tower(schema: object = SCHEMA) -> ItemTower:
    torch.manual_seed(0)
    return ItemTower(PLAN, SEEING if schema is SEEING else SCHEMA, ITEMS).eval()


def content(items: int) -> tuple[Tensor, Tensor]:
    """Text and attributes."""
    torch.manual_seed(1)
    numbers = torch.randint(0, ATTRIBUTE_BUCKETS + 1, (items, SCHEMA.attributes))
    return torch.randn(items, SCHEMA.text_dim), numbers


def test_a_bag_is_the_mean_of_the_numbers_that_are_there() -> None:
    torch.manual_seed(0)
    bag = Bag(10, 3)
    with torch.no_grad():
        found = bag(torch.tensor([[4, 0, 9, 0], [0, 0, 0, 0], [10, 10, 0, 0]]))
        rows = bag.embedding.weight
        torch.testing.assert_close(found[0], (rows[4] + rows[9]) / 2)
        assert not found[1].any()
        torch.testing.assert_close(found[2], rows[10])


def test_an_item_without_an_id_is_told_by_its_content() -> None:
    text, attributes = content(3)
    with torch.no_grad():
        unknown, _ = tower()(torch.zeros(3, dtype=torch.long), text, attributes)
        known, _ = tower()(torch.tensor([1, 2, 3]), text, attributes)
        plain, _ = tower()(torch.zeros(3, dtype=torch.long), text, torch.zeros_like(attributes))
    assert (unknown[:, :HALF] == unknown[0, :HALF]).all()
    assert not torch.allclose(known[0, :HALF], known[1, :HALF])
    torch.testing.assert_close(unknown[:, HALF:], known[:, HALF:])
    assert not torch.allclose(unknown[0, HALF:], unknown[1, HALF:])
    assert not torch.allclose(plain[:, HALF:], unknown[:, HALF:])


def test_ids_are_forgotten_in_training_alone() -> None:
    items = tower()
    items.forget = 1.0
    ids, (text, attributes) = torch.tensor([5]), content(1)
    with torch.no_grad():
        assert not torch.equal(items.eval()(ids, text, attributes)[0][0, :HALF], items.embedding.weight[0])
        assert torch.equal(items.train()(ids, text, attributes)[0][0, :HALF], items.embedding.weight[0])


def test_a_missing_modality_adds_nothing_and_one_that_is_there_does() -> None:
    blind, seeing = tower(), tower(SEEING)
    same = {name: value for name, value in seeing.state_dict().items() if not name.startswith("modalities")}
    blind.load_state_dict(same)
    ids, (text, attributes) = torch.tensor([1, 2]), content(2)
    image = torch.zeros(2, IMAGE)
    image[1] = torch.arange(1.0, IMAGE + 1)
    with torch.no_grad():
        (without, _), (found, _) = blind(ids, text, attributes), seeing(ids, text, attributes, image)
        expected = seeing.modalities[0](image[1])
    assert torch.equal(found[0], without[0])
    torch.testing.assert_close(found[1, HALF:] - without[1, HALF:], expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(found[1, :HALF], without[1, :HALF])


def test_keys_are_of_length_one() -> None:
    with torch.no_grad():
        _, keys = tower()(torch.arange(4), *content(4))
    torch.testing.assert_close(keys.norm(dim=-1), torch.ones(4))
    assert keys.shape == (4, SCHEMA.user_dim)


@pytest.mark.parametrize("encoder", ["none", "sasrec", "ligr"])
def test_a_user_of_whom_nothing_was_met_is_told_by_the_rest(encoder: str) -> None:
    torch.manual_seed(0)
    net = FusionNet(NetworkPlan(width=8, hidden=(16, 8), encoder=encoder), SCHEMA, ITEMS).eval()  # type: ignore[arg-type]  # one of the three
    given = inputs(2, 1, met=0).of_users
    found = find(net, given)
    assert np.isfinite(found).all()
    other = given._replace(history_vectors=given.history_vectors + 1)
    np.testing.assert_allclose(find(net, other), found, atol=1e-6)
    assert not np.allclose(find(net, given._replace(profile=given.profile % 5 + 1)), found)


def test_a_users_vector_is_as_long_as_the_learned_temperature() -> None:
    net = small_net()
    lengths = np.linalg.norm(find(net, inputs(5, 1).of_users), axis=1)
    np.testing.assert_allclose(lengths, np.exp(float(net.user_tower.log_scale.detach())), rtol=1e-5)
    with torch.no_grad():
        net.user_tower.log_scale.fill_(99.0)
    np.testing.assert_allclose(np.linalg.norm(find(net, inputs(5, 1).of_users), axis=1), 50.0, rtol=1e-5)
