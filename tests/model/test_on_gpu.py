"""Training on a real GPU, against the same training on the CPU. Skipped where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor

from model.distil import distil
from model.network import FusionNet
from model.plan import NetworkPlan, TrainPlan
from model.ranking import scores_of
from model.resume import Savepoints
from model.schema import EncoderKind
from model.train import Progress, silent, train
from tests.model.examples_of import SCHEMA, TASKS, VOCABULARY, planted

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

NETWORK = NetworkPlan(width=8, hidden=(16, 8), dropout=0.0, forget_id=0.0)
PLAN = TrainPlan(epochs=3, batch=32, seed=3, negatives=32)
SHARDS = [planted(120, seed=1), planted(90, seed=2)]


def on(device: str, network: NetworkPlan = NETWORK, **options: object) -> Mapping[str, Tensor]:
    plan = msgspec.structs.replace(PLAN, device=device)
    net = train(SHARDS, [planted(40, seed=3)], SCHEMA, network, plan, TASKS, VOCABULARY, **options)  # type: ignore[arg-type]
    assert {each.device.type for each in net.state_dict().values()} == {device}
    return net.to("cpu").state_dict()


def apart(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], network: NetworkPlan) -> float:
    """The mean distance of the weights, as a share of how far training has moved them. The last digits of a
    gradient near zero decide where Adam's first steps go, so single weights may differ by a step or two.
    """
    torch.manual_seed(PLAN.seed)
    net = FusionNet(network, SCHEMA, VOCABULARY.size)
    before = {name: each.detach() for name, each in net.named_parameters()}
    moved = torch.cat([(expected[name] - each).abs().ravel() for name, each in before.items()]).mean()
    return float(torch.cat([(expected[name] - found[name]).abs().ravel() for name in before]).mean() / moved)


@pytest.mark.parametrize("encoder", ["none", "sasrec", "ligr"])
def test_a_gpu_learns_what_a_cpu_does(encoder: EncoderKind) -> None:
    network = msgspec.structs.replace(NETWORK, encoder=encoder)
    assert apart(on("cuda", network), on("cpu", network), network) < 0.05


def test_the_same_seed_gives_the_same_bits() -> None:
    network = msgspec.structs.replace(NETWORK, encoder="ligr", dropout=0.1, forget_id=0.3)
    first, second = on("cuda", network), on("cuda", network)
    assert all(torch.equal(each, second[name]) for name, each in first.items())


def test_a_training_begun_on_a_gpu_goes_on_on_a_cpu(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.epoch == 1 and progress.done > 300:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        on("cuda", report=stop, savepoints=Savepoints(tmp_path, every_s=0.0))
    after = on("cpu", report=silent, savepoints=Savepoints(tmp_path, every_s=0.0))
    assert apart(after, on("cpu"), NETWORK) < 0.05


def test_a_student_is_taught_on_the_gpu() -> None:
    plan = msgspec.structs.replace(PLAN, device="cuda")
    teacher = train(SHARDS, [], SCHEMA, NETWORK, plan, TASKS, VOCABULARY)
    small = msgspec.structs.replace(NETWORK, hidden=(8, 4))
    student = distil(teacher, small, SHARDS, [], plan, TASKS, VOCABULARY)
    scores = scores_of(student, [planted(40, seed=4)], VOCABULARY)
    assert np.isfinite(scores[:, 0]).all()
