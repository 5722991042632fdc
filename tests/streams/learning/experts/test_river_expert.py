from __future__ import annotations

import numpy as np
import pytest

from model.errors import SettingsError, StoreError
from streams.learning.experts.river_expert import RiverExpert

LOGISTIC = "linear_model.LogisticRegression"
SIGNALS = ("a", "b")


def taught(path: str, slates: int = 200, seed: int = 1) -> RiverExpert:
    rng, expert = np.random.default_rng(seed), RiverExpert(path, SIGNALS)
    for _ in range(slates):
        x = rng.normal(size=(5, 2))
        chosen = np.zeros(5, np.bool_)
        chosen[int(np.argmax(x @ [1.0, -2.0] + rng.gumbel(size=5)))] = True
        expert.learn(x, chosen, np.ones(5))
    return expert


def test_it_ranks_by_what_was_chosen() -> None:
    scores = taught(LOGISTIC).scores(np.array([[0, 0], [1, 0], [0, 1.0]]))
    assert scores[1] > scores[0] > scores[2]


def test_a_place_that_was_hardly_seen_counts_less() -> None:
    seldom, often = RiverExpert(LOGISTIC, SIGNALS), RiverExpert(LOGISTIC, SIGNALS)
    x, chosen = np.array([[1.0, 0], [0, 1]]), np.array([True, False])
    seldom.learn(x, chosen, np.array([1.0, 0.01]))
    often.learn(x, chosen, np.array([1.0, 1.0]))
    assert seldom.scores(x)[1] > often.scores(x)[1]


@pytest.mark.parametrize(
    "path",
    [LOGISTIC, "linear_model.AdPredictor", "linear_model.SoftmaxRegression", "linear_model.PAClassifier",
     "linear_model.ALMAClassifier", "linear_model.Perceptron"],
)  # fmt: skip
def test_packed_in_mid_stream_it_goes_on_to_the_same_scores(path: str) -> None:
    whole, again = taught(path), RiverExpert(path, SIGNALS)
    again.restore(whole.pack())
    assert again.pack() == whole.pack()
    rng = np.random.default_rng(7)
    for _ in range(50):
        x = rng.normal(size=(4, 2))
        assert again.scores(x).tobytes() == whole.scores(x).tobytes()
        for expert in (whole, again):
            expert.learn(x, np.arange(4) == 2, np.ones(4))


@pytest.mark.parametrize(
    ("path", "because"),
    [
        ("linear_model.Nope", "no attribute"),
        ("nowhere.LogisticRegression", "No module"),
        ("linear_model.LinearRegression", "no classifier"),
        ("optim.SGD", "no classifier"),
        ("LogisticRegression", "no"),
        ("ensemble.ADWINBaggingClassifier", "needs no arguments"),
        ("tree.HoeffdingTreeClassifier", "can't be kept as data"),
        ("forest.ARFClassifier", "can't be kept as data"),
        ("neighbors.KNNClassifier", "can't be kept as data"),
    ],
)
def test_what_can_not_be_an_expert_is_refused(path: str, because: str) -> None:
    with pytest.raises(SettingsError, match=because):
        RiverExpert(path, SIGNALS)


def test_damage_and_what_names_other_things_is_refused() -> None:
    raw = taught(LOGISTIC).pack()
    for cut in range(0, len(raw), 9):
        with pytest.raises(StoreError):
            RiverExpert(LOGISTIC, SIGNALS).restore(raw[:cut])
    with pytest.raises(StoreError):
        RiverExpert(LOGISTIC, SIGNALS).restore(taught("linear_model.ALMAClassifier").pack())
    renamed = raw.replace(b"intercept_lr", b"__class____x")
    with pytest.raises(StoreError):
        RiverExpert(LOGISTIC, SIGNALS).restore(renamed)
