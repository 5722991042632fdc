from __future__ import annotations

import numpy as np
import pytest

from model.errors import SettingsError
from streams.learning.experts.drift import BLOCK, MARKS_KEPT, DriftWatch

BOTH = ("ADWIN", "PageHinkley")


def losses(rng: np.random.Generator, count: int, change_at: int, by: float) -> list[float]:
    values = rng.exponential(1.0, count)
    values[change_at:] += by
    return [float(each) for each in values]


@pytest.mark.parametrize("name", BOTH)
def test_a_change_of_the_loss_is_marked_soon(name: str) -> None:
    watch = DriftWatch([name])
    for n, loss in enumerate(losses(np.random.default_rng(1), 3_000, 2_500, 1.0), 1):
        watch.watch(loss, n)
    soon = [mark.lesson for mark in watch.report() if 2_500 < mark.lesson <= 2_800]
    assert soon
    assert all(mark.detector == name for mark in watch.report())


def test_a_calm_stream_has_no_marks_of_adwin() -> None:
    watch = DriftWatch(["ADWIN"])
    for n, loss in enumerate(losses(np.random.default_rng(2), 4 * BLOCK, 9_999, 0), 1):
        watch.watch(loss, n)
    assert watch.report() == ()


@pytest.mark.parametrize("at", [7, BLOCK, 2 * BLOCK, 2 * BLOCK + 1, 3 * BLOCK + 50])
def test_restored_in_mid_stream_it_marks_the_same(at: int) -> None:
    stream = losses(np.random.default_rng(3), 4 * BLOCK, 3 * BLOCK + 100, 1.5)
    whole, restored = DriftWatch(BOTH), DriftWatch(BOTH)
    for n, loss in enumerate(stream, 1):
        if n == at:
            for kept, taken in (
                (whole.losses, restored.losses), (whole.held, restored.held), (whole.marks, restored.marks),
            ):  # fmt: skip
                taken[...] = kept
            restored.resume()
        whole.watch(loss, n)
        if n >= at:
            restored.watch(loss, n)
    assert restored.report() == whole.report()
    assert whole.report()
    np.testing.assert_array_equal(restored.losses, whole.losses)


def test_marks_that_are_kept_are_the_latest() -> None:
    watch = DriftWatch(["PageHinkley"])
    for n in range(1, 20_000):
        watch.watch(9.0 * (n // 60 % 2), n)
    marks = watch.report()
    assert len(marks) == MARKS_KEPT
    assert [mark.lesson for mark in marks] == sorted(mark.lesson for mark in marks)


@pytest.mark.parametrize("name", ["Nope", "binary", "__all__", "DriftRetrainingClassifier"])
def test_what_is_no_detector_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"ADWIN"):
        DriftWatch([name])


def test_without_detectors_nothing_is_watched() -> None:
    watch = DriftWatch(())
    watch.watch(1.0, 1)
    assert watch.report() == ()
