"""What is learned and what is judged never meet, and nothing is learned twice as new."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.examples.folder import LEARN, WHOLE
from streams.offline.renewal.example_split import ExampleSplit, example_split
from streams.settings.models import RenewalSettings
from tests.streams.offline.renewal.logged import log

SMALL = RenewalSettings(examples_min=20, judge=0.25, judge_min=5, judge_max=12)


def test_time_is_cut_where_enough_is_left_to_judge_on(tmp_path: Path) -> None:
    for k in range(6):  # 10 to learn from in each 100 ms, from 1,000 on
        log(tmp_path, LEARN, k, 1_000 + 100 * k, 10)
    log(tmp_path, WHOLE, 0, 1_000, 30, step_ms=20)  # up to 1,580
    found = example_split(tmp_path, 0, SMALL, seed=1)
    # A quarter of 30 is 8. After 1,490 there are 5; after 1,390 there are 10.
    assert (found.missing, found.to_ms, found.new) == ("", 1_390, 40)
    assert found.learn.lengths == [10] * 4
    assert np.concatenate([each.ts_ms for each in found.judged]).tolist() == list(range(1_400, 1_600, 20))
    later = example_split(tmp_path, 1_390, SMALL, seed=1)
    assert "20 new examples to learn from and 10 to judge with; expected at least 20, and 5" in later.missing
    log(tmp_path, LEARN, 6, 1_600, 10)
    log(tmp_path, WHOLE, 1, 1_700, 30)
    later = example_split(tmp_path, 1_390, SMALL, seed=1)
    assert (later.from_ms, later.to_ms, later.new) == (1_390, 1_690, 30)
    assert sum(later.learn.lengths) == 60  # as many older ones
    assert [len(each) for each in later.judged] == [12]
    assert later.judged[0].ts_ms.tolist() == list(range(1_880, 2_000, 10))  # the newest


def test_how_many_older_ones_are_repeated_is_a_setting(tmp_path: Path) -> None:
    for k in range(40):
        log(tmp_path, LEARN, k, 1_000 + 100 * k, 10)
    log(tmp_path, WHOLE, 0, 5_000, 10)
    for replay, expected in ((0.0, 100), (0.5, 150), (2.0, 300), (9.0, 100 + 280)):
        plan = RenewalSettings(examples_min=20, judge_min=5, replay=replay)
        found = example_split(tmp_path, 3_990, plan, seed=1)
        assert (found.new, sum(found.learn.lengths)) == (100, expected)
    assert min(facts.first_ms for facts in found.learn.facts) >= 1_200  # retention may delete the oldest


def test_an_empty_folder_is_waited_for(tmp_path: Path) -> None:
    assert "holds 0 new examples" in example_split(tmp_path / "nowhere", 0, SMALL, 1).missing


shards_of = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 12)), max_size=8)


@given(learn=shards_of, whole=shards_of, since_ms=st.integers(0, 300))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_judged_is_younger_than_all_that_is_learned(
    tmp_path: Path, learn: list[tuple[int, int]], whole: list[tuple[int, int]], since_ms: int
) -> None:
    folder = tmp_path / "any"
    shutil.rmtree(folder, ignore_errors=True)
    for kind, shards in ((LEARN, learn), (WHOLE, whole)):
        for number, (begin_ms, examples) in enumerate(shards):
            log(folder, kind, number, begin_ms, examples)
    found = example_split(folder, since_ms, SMALL, seed=1)
    if found.missing:
        assert found == ExampleSplit(found.missing, found.learn)
        assert len(found.learn) == 0
        return
    judged = np.concatenate([each.ts_ms for each in found.judged])
    assert 5 <= len(judged) <= 12
    assert judged.min() > found.to_ms > since_ms
    facts = found.learn.facts
    assert max(each.last_ms for each in facts) <= found.to_ms
    assert sum(each.examples for each in facts if each.last_ms > since_ms) == found.new >= 20
