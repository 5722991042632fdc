"""A trained network on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from model.checkpoint import FACTS, WEIGHTS, Checkpoint, load_checkpoint, save_checkpoint
from model.errors import ManifestError
from model.vocabulary import Vocabulary
from tests.model.examples_of import TASKS, VOCABULARY
from tests.model.test_network import inputs, run, small_net


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(Checkpoint(small_net("concat"), TASKS, VOCABULARY), tmp_path / "net")
    return tmp_path / "net"


def test_a_network_comes_back_as_it_was(folder: Path) -> None:
    net, tasks, vocabulary = load_checkpoint(folder)
    assert (tasks, vocabulary) == (TASKS, VOCABULARY)
    assert net.plan.fusion == "concat"
    assert not net.training
    assert run(net, inputs(2, 5)).tobytes() == run(small_net("concat"), inputs(2, 5)).tobytes()
    assert sorted(path.name for path in folder.iterdir()) == [FACTS, WEIGHTS]


def test_a_second_network_takes_the_place_of_the_first(folder: Path) -> None:
    other = small_net("attention", seed=5)
    ids = tuple(f"other-{k}" for k in range(len(VOCABULARY.ids)))
    save_checkpoint(Checkpoint(other, TASKS, Vocabulary(ids)), folder)
    net, _, vocabulary = load_checkpoint(folder)
    assert vocabulary.ids == ids
    for name, value in other.state_dict().items():
        assert torch.equal(net.state_dict()[name], value)


def _facts(folder: Path, **changed: object) -> None:
    facts = msgspec.json.decode((folder / FACTS).read_bytes())
    facts["network"].update(changed)
    (folder / FACTS).write_bytes(msgspec.json.encode(facts))


def _schema(folder: Path, **changed: object) -> None:
    facts = msgspec.json.decode((folder / FACTS).read_bytes())
    facts["schema"].update(changed)
    (folder / FACTS).write_bytes(msgspec.json.encode(facts))


def _vocabulary(folder: Path, **changed: object) -> None:
    facts = msgspec.json.decode((folder / FACTS).read_bytes())
    facts["vocabulary"] = changed
    (folder / FACTS).write_bytes(msgspec.json.encode(facts))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "of another version": lambda folder: _schema(folder, version=1),
    "of other tasks": lambda folder: _schema(folder, tasks=["click", "rating", "play"]),
    "no facts": lambda folder: (folder / FACTS).unlink(),
    "no weights": lambda folder: (folder / WEIGHTS).unlink(),
    "facts cut short": lambda folder: (folder / FACTS).write_bytes((folder / FACTS).read_bytes()[:40]),
    "facts not UTF-8": lambda folder: (folder / FACTS).write_bytes(b'{"network": "\xff"}'),
    "weights cut short": lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:99]),
    "weights of text": lambda folder: (folder / WEIGHTS).write_text("weights"),
    "another width": lambda folder: _facts(folder, width=16),
    "a fusion unheard of": lambda folder: _facts(folder, fusion="magic"),
    "no heads": lambda folder: _facts(folder, heads=0),
    "heads that do not divide the width": lambda folder: _facts(folder, heads=3),
    "a setting unheard of": lambda folder: _facts(folder, magic=1),
    "a vocabulary of another size": lambda folder: _vocabulary(folder, ids=["one"], buckets=0),
    "hashed ids instead of a vocabulary": lambda folder: _vocabulary(folder, ids=[], buckets=7),
    "fewer ids than none": lambda folder: _vocabulary(folder, ids=[], buckets=-7),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_refused(folder: Path, damage: str) -> None:
    DAMAGE[damage](folder)
    with pytest.raises(ManifestError, match="is not a checkpoint of this build"):
        load_checkpoint(folder)
