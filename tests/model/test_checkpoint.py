"""A trained network on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from model.checkpoint import FACTS, WEIGHTS, load_checkpoint, save_checkpoint
from model.errors import ManifestError
from tests.model.test_network import inputs, run, small_net

VOCABULARY = [f"item-{k}" for k in range(30)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(small_net("concat"), VOCABULARY, tmp_path / "net")
    return tmp_path / "net"


def test_a_network_comes_back_as_it_was(folder: Path) -> None:
    net, vocabulary = load_checkpoint(folder)
    assert vocabulary == VOCABULARY
    assert net.config.fusion == "concat"
    assert not net.training
    assert run(net, inputs(2, 5)).tobytes() == run(small_net("concat"), inputs(2, 5)).tobytes()
    assert sorted(path.name for path in folder.iterdir()) == [FACTS, WEIGHTS]


def test_a_second_network_takes_the_place_of_the_first(folder: Path) -> None:
    other = small_net("attention", seed=5)
    save_checkpoint(other, VOCABULARY[:1] + VOCABULARY[1:], folder)
    net, _ = load_checkpoint(folder)
    for name, value in other.state_dict().items():
        assert torch.equal(net.state_dict()[name], value)


def _facts(folder: Path, **changed: object) -> None:
    facts = msgspec.json.decode((folder / FACTS).read_bytes())
    facts["config"].update(changed)
    (folder / FACTS).write_bytes(msgspec.json.encode(facts))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no facts": lambda folder: (folder / FACTS).unlink(),
    "no weights": lambda folder: (folder / WEIGHTS).unlink(),
    "facts cut short": lambda folder: (folder / FACTS).write_bytes((folder / FACTS).read_bytes()[:40]),
    "facts not UTF-8": lambda folder: (folder / FACTS).write_bytes(b'{"config": "\xff"}'),
    "weights cut short": lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:99]),
    "weights of text": lambda folder: (folder / WEIGHTS).write_text("weights"),
    "another width": lambda folder: _facts(folder, width=16),
    "a fusion unheard of": lambda folder: _facts(folder, fusion="magic"),
    "a vocabulary of another size": lambda folder: _facts(folder, vocabulary=29),
    "a negative size": lambda folder: _facts(folder, vocabulary=-7),
    "no heads": lambda folder: _facts(folder, heads=0),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_refused(folder: Path, damage: str) -> None:
    DAMAGE[damage](folder)
    with pytest.raises(ManifestError, match="is not a checkpoint of this build"):
        load_checkpoint(folder)


def test_a_vocabulary_that_does_not_fit_the_network_is_refused(folder: Path) -> None:
    facts = msgspec.json.decode((folder / FACTS).read_bytes())
    facts["vocabulary"].append("one more")
    (folder / FACTS).write_bytes(msgspec.json.encode(facts))
    with pytest.raises(ManifestError, match="31 items"):
        load_checkpoint(folder)
