"""A training that was killed ends in the same weights as one that was not."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from model.errors import DataError
from model.plan import TrainPlan
from model.resume import FACTS, TENSORS, Parts, Position, Savepoints, Training
from model.shard_writing import write_shard
from tests.model.learnable_shards import NETWORK, SCHEMA, TASKS, random_shard
from tests.model.one_training import main

EXAMPLES = (40, 33, 50, 21, 47)
PER_EPOCH = sum(EXAMPLES)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for k, examples in enumerate(EXAMPLES):
        write_shard(random_shard(examples, seed=k), folder, f"s{k}")
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def killed_after(until: int, shards: Path, state: Path, weights: Path) -> int:
    """Train in another process, killed by SIGKILL once `until` examples are done; how many it had done."""
    command = [sys.executable, "-m", "tests.model.one_training", str(shards), str(state), str(weights)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    done = 0
    try:
        assert process.stdout is not None
        for line in process.stdout:
            done = int(line.split()[0])
            if done >= until:
                break
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    return done


def trained(capsys: pytest.CaptureFixture[str], shards: Path, state: Path | str, weights: Path) -> list[int]:
    """Train here; how many examples were done after each batch."""
    main(str(shards), str(state), str(weights))
    return [int(line.split()[0]) for line in capsys.readouterr().out.splitlines()]


def test_killed_and_resumed_is_never_interrupted(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed in the second epoch, in the midst of a window; what was done is not done again, but for the
    batch after which no state was written yet.
    """
    state, never = tmp_path / "state", tmp_path / "never"
    killed = killed_after(PER_EPOCH + 60, shards, state, never)
    assert killed < 2 * PER_EPOCH
    again = trained(capsys, shards, state, tmp_path / "resumed")
    assert killed <= again[0]
    whole = trained(capsys, shards, "-", tmp_path / "whole")
    assert whole[-len(again) :] == again
    expected, found = load_file(tmp_path / "whole.0"), load_file(tmp_path / "resumed.0")
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert not never.with_name("never.0").exists()
    assert len(list(state.iterdir())) == 2


TRAINING = Training(NETWORK, TrainPlan(), SCHEMA, TASKS, "words", "examples")


def parts(seed: int) -> Parts:
    """Two small modules and an optimizer that has taken a step."""
    torch.manual_seed(seed)
    net, objective = torch.nn.Linear(3, 2), torch.nn.Linear(1, 1)
    optimizer = torch.optim.AdamW([*net.parameters(), *objective.parameters()])
    (net(torch.ones(1, 3)).sum() + objective(torch.ones(1, 1)).sum()).backward()
    optimizer.step()
    return Parts(net, objective, optimizer)


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    saved, fresh, place = parts(1), parts(2), Position(2, 1, 7, 900)
    Savepoints(tmp_path).save(place, TRAINING, saved)
    assert Savepoints(tmp_path).load(TRAINING, fresh) == place
    for old, new in zip(saved[:2], fresh[:2], strict=True):
        assert all(torch.equal(each, new.state_dict()[name]) for name, each in old.state_dict().items())
    old_state, new_state = (each.optimizer.state_dict()["state"] for each in (saved, fresh))
    assert old_state.keys() == new_state.keys()
    for number, moments in old_state.items():
        assert moments.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(each, new_state[number][name]) for name, each in moments.items())


def test_an_empty_folder_is_the_beginning(tmp_path: Path) -> None:
    assert Savepoints(tmp_path / "none").load(TRAINING, parts(1)) == Position()


def test_a_state_is_due_by_the_clock(tmp_path: Path) -> None:
    now = [0.0]
    savepoints = Savepoints(tmp_path, every_s=5.0, now_s=lambda: now[0])
    assert not savepoints.due()
    now[0] = 5.0
    assert savepoints.due()
    savepoints.save(Position(), TRAINING, parts(1))
    assert not savepoints.due()


def test_the_last_two_stay_and_the_older_stands_in_for_a_damaged_one(tmp_path: Path) -> None:
    savepoints = Savepoints(tmp_path)
    for batch in (9, 10, 11):
        savepoints.save(Position(batch=batch), TRAINING, parts(batch))
    older, newest = sorted(tmp_path.iterdir())
    (newest / TENSORS).write_bytes(b"cut")
    fresh = parts(1)
    assert savepoints.load(TRAINING, fresh) == Position(batch=10)
    assert torch.equal(fresh.net.state_dict()["weight"], parts(10).net.state_dict()["weight"])
    (older / FACTS).write_bytes(b"{}")
    with pytest.raises(DataError, match="no state of a training can be read"):
        savepoints.load(TRAINING, fresh)


def test_what_a_kill_left_half_written_is_no_state(tmp_path: Path) -> None:
    savepoints = Savepoints(tmp_path)
    savepoints.save(Position(batch=1), TRAINING, parts(1))
    half = tmp_path / ".writing-state-000000-000000-00000002"
    half.mkdir()
    (half / TENSORS).write_bytes(b"half")
    assert savepoints.load(TRAINING, parts(2)) == Position(batch=1)
    savepoints.save(Position(batch=2), TRAINING, parts(3))
    assert savepoints.load(TRAINING, parts(2)) == Position(batch=2)
    assert not half.exists()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (msgspec.structs.replace(TRAINING, plan=TrainPlan(epochs=9)), "its plan is epochs = 8 and here 9"),
        (
            msgspec.structs.replace(TRAINING, examples="others"),
            "its examples is 'examples' and here 'others'",
        ),
        (msgspec.structs.replace(TRAINING, layout=msgspec.structs.replace(SCHEMA, history=9)), "history = 6"),
        (msgspec.structs.replace(TRAINING, tasks={}), "its tasks is"),
    ],
)
def test_another_training_is_refused(tmp_path: Path, other: Training, message: str) -> None:
    savepoints, fresh = Savepoints(tmp_path), parts(2)
    savepoints.save(Position(batch=1), TRAINING, parts(1))
    before = fresh.net.state_dict()["weight"].clone()
    with pytest.raises(DataError, match=message):
        savepoints.load(other, fresh)
    assert torch.equal(fresh.net.state_dict()["weight"], before)
