"""Two processes under torchrun take the steps that one process takes with the whole batch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from model.distributed import ALONE, Group, average_gradients, group_of
from model.errors import SettingsError
from model.shard_writing import write_shard
from tests.model.learnable_shards import NETWORK, SCHEMA, random_shard
from tests.model.one_training import main

# 133 examples in windows of two shards, batches of 16: some last batches have an odd number of examples, and
# one has a single one, so that a process has none.
EXAMPLES = (40, 33, 44, 16)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def under_torchrun(*arguments: object) -> str:
    """Run two processes on this machine to their end; what the first one printed."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "tests.model.one_training", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=240)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 0
    return out


def without_what_softmax_is_blind_to(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """What moves all logits of a softmax alike has no gradient but rounding, of which AdamW makes full steps:
    the click's bias, its weights of user features, and the biases of what is pooled and of an encoder's keys.
    """
    features = len(SCHEMA.candidate_features)
    weights["rescorer.skip.weight"][0, features:] = 0.0
    for name in ("rescorer.skip.bias", "rescorer.heads.bias", "user_tower.weight.bias"):
        weights[name][0] = 0.0
    keys = slice(NETWORK.width, 2 * NETWORK.width)
    weights["view.encoder.layers.0.qkv.bias"][keys] = 0.0
    return weights


def test_two_processes_take_the_steps_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without dropout and drawn negatives, which each process draws for itself. Only the order in which
    float32 gradients are summed differs, a relative 1e-7 or so a step, which AdamW's root of squares may
    enlarge where a gradient is small. A wrong mean or another batch would move weights by whole steps, of up
    to 2e-3 each.
    """
    for k, examples in enumerate(EXAMPLES):
        write_shard(random_shard(examples, seed=k), tmp_path / "shards", f"s{k}")
    said = under_torchrun(tmp_path / "shards", "-", tmp_path / "two", 0, 0.0)
    main(str(tmp_path / "shards"), "-", str(tmp_path / "one"), "0", "0.0")
    ours = np.array([line.split() for line in capsys.readouterr().out.splitlines()], np.float64)
    theirs = np.array([line.split() for line in said.splitlines()], np.float64)
    assert (ours[:, 0] == theirs[:, 0]).all()
    assert theirs[-1, 0] == 3 * sum(EXAMPLES)
    np.testing.assert_allclose(theirs[:, 1], ours[:, 1], rtol=1e-4)
    one, first, second = (load_file(tmp_path / name) for name in ("one.0", "two.0", "two.1"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    expected, found = without_what_softmax_is_blind_to(one), without_what_softmax_is_blind_to(first)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-4)


def test_a_single_process_is_a_group_of_its_own() -> None:
    with group_of({}) as group:
        assert group == ALONE
        assert group.leads
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, 2.0])
    assert average_gradients([parameter], 0.5, 3, ALONE) == (0.5, 3)
    assert parameter.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("variables", [{"WORLD_SIZE": "2", "RANK": "2"}, {"WORLD_SIZE": "two"}])
def test_variables_that_make_no_group_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="start with torchrun"), group_of(variables):
        pass


def test_processes_draw_apart() -> None:
    draws = [Group(rank, 2).own(np.random.default_rng(1)) for rank in range(2)]
    first, second = (each.integers(0, 2**31, 4).tolist() for each in draws if each is not None)
    assert first != second
