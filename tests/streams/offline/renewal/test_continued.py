"""A registered model goes on learning: what is in the log decides whether that is for the better."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
import torch

from export.manifest import Manifest, read_manifest
from export.package import export_model
from export.parity import ParityLimits
from export.registry import Registry
from model.checkpoint import Checkpoint, load_checkpoint
from model.errors import DataError, ManifestError, ModelError
from model.evaluate import ndcg, ndcg_difference
from model.network import FusionNet
from model.plan import NetworkPlan, TrainPlan
from model.ranking import ranks_of
from model.shard_writing import write_shard
from model.tasks import default_tasks
from model.vocabulary import Vocabulary
from streams.examples.folder import LEARN, WHOLE, shard_name
from streams.offline.renewal.continued import continue_model
from streams.offline.renewal.example_split import example_split
from streams.offline.training.registration import held_out_batches
from streams.settings.models import ModelSettings, RenewalSettings
from streams.settings.tree import Settings
from tests.model.random_shards import random_shard
from tests.streams.offline.renewal.logged import SMALL

SETTINGS = Settings(
    model=ModelSettings(training=TrainPlan(batch=32, negatives=8, window=2)),
    renewal=RenewalSettings(
        examples_min=100, judge=0.5, judge_min=100, learning_rate=2e-2, epochs=3, keep_models=9
    ),
)
LOOSE = ParityLimits(1, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 0.0, 1e9)


pytestmark = pytest.mark.usefixtures("one_thread")


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Says nothing."""


def log(folder: Path, begin_ms: int, hint: float) -> None:
    """400 examples to learn from, whose first feature hints at the item that was met, then 200 to be judged
    on, where it does so by 3.
    """
    for number in range(4):
        begin = begin_ms + 1_000 * number
        written(folder, LEARN, begin, 100, 9, hint)
    # `candidates.pool` became smaller between the two.
    written(folder, WHOLE, begin_ms + 4_000, 100, 21, 3.0)
    written(folder, WHOLE, begin_ms + 4_500, 100, 13, 3.0)


def written(folder: Path, kind: str, begin_ms: int, examples: int, candidates: int, hint: float) -> None:
    shard = random_shard(examples, begin_ms, 12, candidates, SMALL, begin_ms, step_ms=5)
    shard.candidate_features[:, 0, 0] += hint
    shard.found[:] = True
    name = shard_name(begin_ms, begin_ms + 5 * (examples - 1), "w", 0)
    write_shard(shard, folder / kind, name, SMALL.candidate_features)


def first(registry: Registry) -> None:
    """A model that has learned nothing, and knows half of the items."""
    torch.manual_seed(1)
    ids = random_shard(1).items.tolist()[:6]
    net = FusionNet(NetworkPlan(width=16, hidden=(16, 8)), SMALL, len(ids)).eval()
    checkpoint = Checkpoint(net, default_tasks(), Vocabulary(tuple(ids)))
    batches = held_out_batches(checkpoint, [random_shard(8, schema=SMALL)])
    export_model(
        net, checkpoint.vocabulary, batches, registry, "first", 1,
        training={"to_ms": 0, "graph": "drawn"}, limits=LOOSE, checkpoint=checkpoint,
    )  # fmt: skip


class Renewed:
    """Models "first", "second" after a log that teaches what is judged, "third" after one of the contrary."""

    def __init__(self, folder: Path) -> None:
        self.registry, self.folder = Registry(folder / "models"), folder / "examples"
        first(self.registry)
        log(self.folder, 10_000, hint=3.0)
        self.second = self.renew("first", "second")
        self.judged = example_split(self.folder, 0, SETTINGS.renewal, SETTINGS.seed).judged
        log(self.folder, 20_000, hint=-3.0)
        self.third = self.renew("second", "third")

    def renew(self, parent: str, name: str) -> Manifest:
        return continue_model(SETTINGS, self.registry, parent, name, self.folder, quiet)


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Renewed:
    return Renewed(tmp_path_factory.mktemp("renewed"))


def test_what_it_learned_makes_it_better(renewed: Renewed) -> None:
    facts = renewed.second.training
    assert facts["verdict"] == "better"
    assert (facts["parent"], facts["examples"], facts["replayed"], facts["judged"]) == ("first", 400, 0, 200)
    assert (facts["from_ms"], facts["to_ms"]) == (0, 13_495)
    assert facts["ndcg10"][0] > facts["parent_ndcg10"][0] + 0.2
    assert facts["graph"] == "drawn"  # the links that its features read are those of its parent
    kept = read_manifest(renewed.registry.get("second"), Manifest)
    assert msgspec.json.encode(kept) == msgspec.json.encode(renewed.second)


def test_the_registered_checkpoints_give_the_same_figures(renewed: Renewed) -> None:
    ranks = []
    for name in ("first", "second"):
        net, _, vocabulary = load_checkpoint(renewed.registry.get(name))
        ranks.append(ranks_of(net, renewed.judged, vocabulary))
    facts = renewed.second.training
    assert facts["parent_ndcg10"] == pytest.approx(list(ndcg(ranks[0])))
    assert facts["ndcg10"] == pytest.approx(list(ndcg(ranks[1])))
    assert facts["ndcg10_difference"] == pytest.approx(list(ndcg_difference(ranks[1], ranks[0])))


def test_it_has_met_the_items_of_the_log(renewed: Renewed) -> None:
    known = [load_checkpoint(renewed.registry.get(name)).vocabulary.ids for name in ("first", "second")]
    assert len(known[0]) == 6
    assert known[1] == tuple(random_shard(1).items.tolist())


def test_a_worse_one_is_registered_marked_and_passed_over(renewed: Renewed) -> None:
    facts = renewed.third.training
    assert facts["verdict"] == "worse"
    assert facts["ndcg10_difference"][0] < -2 * facts["ndcg10_difference"][1]
    assert facts["from_ms"] == 13_495
    assert facts["replayed"] > 0
    assert renewed.registry.names() == ["first", "second", "third"]
    assert renewed.registry.newest() == "second"


def test_a_taken_name_is_refused(renewed: Renewed) -> None:
    with pytest.raises(ModelError, match="already there"):
        renewed.renew("first", "second")


def test_too_little_is_refused(renewed: Renewed) -> None:
    with pytest.raises(DataError, match="holds 0 new examples"):
        continue_model(SETTINGS, renewed.registry, "second", "none", renewed.folder / "nowhere", quiet)


def test_examples_of_other_features_are_refused(renewed: Renewed, tmp_path: Path) -> None:
    shutil.copytree(renewed.folder, tmp_path / "examples")
    other = msgspec.structs.replace(SMALL, candidate_features=("b", "a"))
    shard = random_shard(100, 1, 12, 9, other, 11_500, step_ms=5)
    name = shard_name(11_500, 11_995, "v", 0)
    write_shard(shard, tmp_path / "examples" / LEARN, name, other.candidate_features)
    with pytest.raises(DataError, match=r"names of candidate features.*\('b', 'a'\).*train anew"):
        continue_model(SETTINGS, renewed.registry, "first", "none", tmp_path / "examples", quiet)
    assert not renewed.registry.has("none")


def test_a_model_without_its_checkpoint_is_refused(renewed: Renewed, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    shutil.copytree(renewed.registry.folder, registry.folder)
    (registry.get("first") / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(ManifestError, match="has changed"):
        continue_model(SETTINGS, registry, "first", "none", renewed.folder, quiet)
