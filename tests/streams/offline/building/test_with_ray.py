"""What Ray's workers build, each from its segment, is what one process builds in one pass, bit for bit."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.feature_names import rank_feature
from model.shards import ShardFiles, shard_folders
from streams.examples.folder import LEARN, WHOLE
from streams.offline.building.one_process import build_here
from streams.offline.building.work_pieces import work_pieces
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.knowledge_graph import Triple, build
from tests.streams.offline.building.small_stream import EVENTS, ITEMS, run_of

ray = pytest.importorskip("ray", reason="the extra `scale` is not installed")

pytestmark = pytest.mark.alone  # Ray gives its own processes 30 s to start


@pytest.fixture
def two_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # by default they yield to everything else
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    yield
    ray.shutdown()


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.usefixtures("two_workers")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_segments_on_ray_are_the_pass_of_one_process(tmp_path: Path) -> None:
    from streams.offline.building.with_ray import build_with_ray

    plan = work_pieces(EVENTS, 3, Settings())
    said: list[tuple[str, int, int]] = []
    here = build_here(run_of(), plan, tmp_path / "here", lambda *each: None)
    there = build_with_ray(run_of(), plan, tmp_path / "ray", 2, lambda *each: said.append(each))
    assert here == there > EVENTS // 3
    assert files(tmp_path / "here") == files(tmp_path / "ray")
    assert len(list((tmp_path / "ray" / LEARN).iterdir())) == 3
    assert len(list((tmp_path / "ray" / WHOLE).iterdir())) == 1
    assert said[-1] == ("building examples", 4, 4)
    assert {path.name for path in (tmp_path / "ray").iterdir()} == {LEARN, WHOLE}


@pytest.mark.usefixtures("two_workers", "one_thread")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_so_they_are_with_a_scout_and_a_knowledge_graph(tmp_path: Path) -> None:
    from streams.offline.building.with_ray import build_with_ray

    settings = override(
        Settings(),
        {"model": {"training": {"scout_from": 0, "epochs": 1}, "network": {"width": 16, "hidden": (16, 8)}}},
    )
    graph = build(Triple(f"i{k}", "made_by", f"maker {k % 9}") for k in range(ITEMS))
    plan = work_pieces(EVENTS, 3, settings)
    for engine, folder in ((build_here, "here"), (partial(build_with_ray, workers=2), "ray")):
        engine(run_of(settings=settings, graph=graph), plan, tmp_path / folder, say=lambda *each: None)
    assert files(tmp_path / "here") == files(tmp_path / "ray")
    assert {path.name for path in (tmp_path / "ray").iterdir()} == {LEARN, WHOLE}

    def column(name: str) -> list[NDArray[np.bool_]]:
        """Which examples have a candidate with the feature, by shard in time order."""
        shards = ShardFiles(shard_folders(tmp_path / "ray" / LEARN))
        at = shards.facts[0].features.index(name)
        return [np.asarray((each.candidate_features[..., at] > 0).any(1), np.bool_) for each in shards]

    learned = column(rank_feature("learned"))
    assert [bool(each.any()) for each in learned] == [False] * len(plan.early) + [True] * 2
    assert all(each.any() for each in column(rank_feature("entities")))
