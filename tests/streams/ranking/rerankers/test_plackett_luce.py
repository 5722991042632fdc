"""Rankings that are drawn, and how likely they say they were: by hand, by all rankings, and by many draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chisquare

from streams.ranking.rerankers.plackett_luce import draw, given_above, prefix_chances, scaled_scores

ONE = np.array([[1.0, 0.5, 0.0, -1.0]])
FOUR = np.random.default_rng(3).normal(scale=2.0, size=(5, 4))
NEVER = np.zeros(20, np.bool_)
DRAWS = [[True] * 3, [False, True, False], [True, False, True], [False] * 3]


def chances(samples: NDArray[np.float64], places: Sequence[int], draws: Sequence[bool]) -> list[float]:
    found: list[float] = prefix_chances(samples, np.array(draws), np.array(places, np.intp)).tolist()
    return found


def by_hand(samples: NDArray[np.float64], places: Sequence[int], draws: Sequence[bool]) -> list[float]:
    """Each sample by itself, each place by a softmax over what is left; then the mean over samples."""
    of_samples = []
    for scores in samples.tolist():
        left, chance, found = list(range(len(scores))), 1.0, []
        for place, drawn in zip(places, draws, strict=True):
            if drawn:
                weights = {k: np.exp(scores[k] - max(scores[j] for j in left)) for k in left}
                chance *= weights[place] / sum(weights.values())
            else:
                chance *= place == left[0]
            found.append(chance)
            left.remove(place)
        of_samples.append(found)
    mean: list[float] = np.mean(of_samples, axis=0).tolist()
    return mean


def test_a_ranking_of_three_by_hand() -> None:
    """Weights 2, 1, 1: the second first with 1/4, then the first of 2 and 1 with 2/3."""
    found = prefix_chances(np.log([[2.0, 1.0, 1.0]]), np.ones(2, np.bool_), np.array([1, 0], np.intp))
    assert found == pytest.approx([1 / 4, 1 / 6])
    found = given_above(np.log([[2.0, 1.0, 1.0]]), np.ones(2, np.bool_), np.array([1, 0]), 1.0, NEVER[:2])
    assert found.tolist() == pytest.approx([1 / 4, 2 / 3])


def test_two_samples_by_hand() -> None:
    """Weights 3, 1 and 1, 3: either is first with 1/2, but what follows is sure."""
    found = prefix_chances(np.log([[3.0, 1.0], [1.0, 3.0]]), np.ones(2, np.bool_), np.array([0, 1], np.intp))
    assert found == pytest.approx([1 / 2, 1 / 2])
    # Of three, what stood first tells which sample it was: 3/5 and 1/5 first, then 1/2 or 3/4.
    samples = np.log([[3.0, 1.0, 1.0], [1.0, 3.0, 1.0]])
    found = prefix_chances(samples, np.ones(2, np.bool_), np.array([0, 1], np.intp))
    assert found == pytest.approx([2 / 5, (3 / 5 * 1 / 2 + 1 / 5 * 3 / 4) / 2])


@pytest.mark.parametrize("samples", [ONE, FOUR])
@pytest.mark.parametrize("draws", DRAWS)
def test_every_ranking_has_its_chance_and_together_they_are_one(
    samples: NDArray[np.float64], draws: list[bool]
) -> None:
    total = 0.0
    for places in permutations(range(4), 3):
        found = chances(samples, places, draws)
        assert found == pytest.approx(by_hand(samples, places, draws), abs=1e-15)
        total += found[-1]
    assert total == pytest.approx(1.0)


@pytest.mark.parametrize("samples", [ONE, FOUR])
@pytest.mark.parametrize("draws", DRAWS[:3])
def test_a_hundred_thousand_rankings_are_drawn_as_often_as_they_say(
    samples: NDArray[np.float64], draws: list[bool]
) -> None:
    count, random = 100_000, np.random.default_rng(7)
    noise, which = random.gumbel(size=(count, 4)), random.integers(len(samples), size=count)
    marks = np.array(draws)
    seen = Counter(tuple(draw(samples[which[n]], marks, noise[n]).tolist()) for n in range(count))
    told = {places: chances(samples, places, draws)[-1] for places in permutations(range(4), 3)}
    possible = [places for places, chance in told.items() if chance > 0]
    assert set(seen) <= set(possible)
    observed = [seen[places] for places in possible]
    assert chisquare(observed, [count * told[places] for places in possible]).pvalue > 1e-3


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 12), st.floats(0.01, 300), st.integers(0, 2**32), st.data())
def test_any_ranking_that_is_drawn_had_the_chance_that_is_told(
    count: int, m: int, spread: float, seed: int, data: st.DataObject
) -> None:
    """However far apart scores are: those of a small temperature are."""
    size = data.draw(st.integers(1, m))
    draws = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    random = np.random.default_rng(seed)
    samples = random.normal(scale=spread, size=(count, m))
    places = draw(samples[seed % count], draws, random.gumbel(size=m))
    assert len(set(places.tolist())) == size
    found = prefix_chances(samples, draws, places)
    assert ((found > 0) & (found <= 1 + 1e-12)).all()
    assert (np.diff(found) <= 1e-15).all()
    np.testing.assert_allclose(found, by_hand(samples, places.tolist(), draws.tolist()), rtol=1e-9)
    if count == 1:
        sure = given_above(samples, draws, places, 1.0, np.zeros(size, np.bool_))[~draws]
        assert sure == pytest.approx(np.ones(len(sure)))


def test_what_has_no_score_is_drawn_last() -> None:
    scaled = scaled_scores(np.array([3.0, 1.0, np.nan, -np.inf], np.float32), 2.0)
    assert scaled[:2].tolist() == [1.5, 0.5]
    assert (scaled[2:] < -900).all()
    assert np.isfinite(scaled_scores(np.full(3, np.nan, np.float32), 1.0)).all()
    two = scaled_scores(np.array([[1.0, np.nan], [np.nan, np.nan]]), 1.0)
    assert two[0].tolist() == [1.0, -999.0]
    assert two[1, 0] == two[1, 1]
    chance = prefix_chances(two[:1], np.ones(2, np.bool_), np.array([0, 1], np.intp))
    assert chance.tolist() == [1.0, 1.0]


def test_a_place_that_none_of_the_candidates_has_can_not_be_drawn() -> None:
    assert chances(ONE, [0, -1, 1], [True] * 3)[1:] == [0.0, 0.0]


@pytest.mark.parametrize("draws", DRAWS)
def test_a_share_that_is_not_drawn_is_one_more_way_to_the_same_ranking(draws: list[bool]) -> None:
    """What is best first, with .7, and what is drawn by five samples, with .3."""
    total, best = 0.0, (0, 1, 2)
    for places in permutations(range(4), 3):
        same = np.array([place == own for place, own in zip(places, best, strict=True)])
        given = given_above(FOUR, np.array(draws), np.array(places, np.intp), 0.3, same)
        prefixes = 0.7 * np.cumprod(same) + 0.3 * np.array(by_hand(FOUR, places, draws))
        np.testing.assert_allclose(np.cumprod(given), prefixes, atol=1e-15)
        total += float(np.prod(given))
    assert total == pytest.approx(1.0)


def test_a_place_of_a_long_ranking_has_its_chance_though_the_ranking_has_hardly_one() -> None:
    """200 places of 1,000 candidates: the ranking itself is less likely than any float can say."""
    samples = np.random.default_rng(0).normal(scale=2.0, size=(32, 1_000))
    draws, noise = np.ones(200, np.bool_), np.random.default_rng(1).gumbel(size=1_000)
    places = draw(samples[3], draws, noise)
    given = given_above(samples, draws, places, 1.0, np.zeros(200, np.bool_))
    assert (given > 0).all()
    assert np.log10(given).sum() < -308
    likely, left = np.zeros(32), np.ones(1_000, np.bool_)
    for place, told in zip(places.tolist(), given.tolist(), strict=True):
        odds = samples[:, place] - np.logaddexp.reduce(np.where(left, samples, -np.inf), axis=1)
        expected = np.logaddexp.reduce(likely + odds) - np.logaddexp.reduce(likely)
        assert np.log(told) == pytest.approx(expected, rel=1e-9)
        likely += odds
        left[place] = False


def test_what_stands_in_no_pool_is_shown_for_sure_or_never() -> None:
    places, one = np.array([-1, 0], np.intp), np.log([[1.0, 1.0]])
    sure = np.ones(2, np.bool_)
    assert given_above(one, sure, places, 0.4, sure).tolist() == pytest.approx([0.6, 1.0])
    assert given_above(one, sure, places, 1.0, sure).tolist() == [0.0, 0.0]
