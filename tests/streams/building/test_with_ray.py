"""What Ray's workers build, each from its segment, is what one process builds in one pass, bit for bit."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.building.one_process import build_here
from streams.building.stretch import stretches
from streams.example_folder import LEARN, WHOLE
from streams.settings import Settings
from tests.streams.building.small_stream import EVENTS, run_of

ray = pytest.importorskip("ray", reason="the extra `scale` is not installed")


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
    from streams.building.with_ray import build_with_ray

    plan = stretches(EVENTS, 3, Settings())
    said: list[tuple[str, int, int]] = []
    here = build_here(run_of(), plan, tmp_path / "here", lambda *each: None)
    there = build_with_ray(run_of(), plan, tmp_path / "ray", 2, lambda *each: said.append(each))
    assert here == there > EVENTS // 3
    assert files(tmp_path / "here") == files(tmp_path / "ray")
    assert len(list((tmp_path / "ray" / LEARN).iterdir())) == 3
    assert len(list((tmp_path / "ray" / WHOLE).iterdir())) == 1
    assert said[-1] == ("building examples", 4, 4)
    assert {path.name for path in (tmp_path / "ray").iterdir()} == {LEARN, WHOLE}
