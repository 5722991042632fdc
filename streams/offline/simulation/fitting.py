"""A choice model, fitted on a dataset: what each item is worth to each of its users.

    utility = popularity weight * log(1 + events of the item) + taste of the user · vector of the item

The vectors come from nine tenths of the pairs that were met. The weights of both parts are those under which
the other pairs, each a choice among items that the user had not met, are most likely (a conditional logit,
McFadden 1974; a uniform sample of the items that were left is enough for it). So utilities are in nats, and
a weak taste stays weak.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from model.errors import DataError
from streams.datasets.interactions import Interactions
from streams.offline.simulation.activity import Activity, activity_of
from streams.offline.simulation.conditional_logit import likelihood, most_likely
from streams.offline.simulation.draws import F64
from streams.offline.simulation.factors import Numbers, factors
from streams.offline.simulation.stars import Stars, stars_of

HELD_OUT, JUDGED_MAX, OTHERS_MAX = 0.1, 2_000, 1_000


class Fit(NamedTuple):
    """How well choices that were held out are told: mean log-likelihood of one, among `others` items on
    average, by chance, by popularity alone, and with tastes; the weights of popularity and taste.
    """

    choices: int
    others: float
    chance: float
    popularity_alone: float
    with_taste: float
    popularity_weight: float
    taste_weight: float


@dataclass(frozen=True)
class Fitted:
    """`tastes` [U, D] and `vectors` [I, D], whose products are a part of the utility, `popularity` [I] the
    other; over all items the numbers of `vectors` have the mean square 1 and no correlation. `stars`: None
    where the data has no ratings.
    """

    users: list[str]
    items: list[str]
    tastes: F64
    vectors: F64
    popularity: F64
    stars: Stars | None
    activity: Activity
    fit: Fit


def fitted(stream: Interactions, described: Iterable[str], rank: int, seed: int) -> Fitted:
    """A model of the users of a stream and of its items, with those that are only `described`.

    Raises `DataError` where there are fewer than two items, or too few pairs to hold one out.
    """
    users = list(dict.fromkeys(stream.user))
    items = list(dict.fromkeys([*stream.item, *described]))
    shape = len(users), len(items)
    user_of, item_of = _numbers(stream.user, users), _numbers(stream.item, items)
    pairs = np.unique(user_of * len(items) + item_of)
    held = int(len(pairs) * HELD_OUT)
    if len(items) < 2 or held < 1:
        raise DataError(
            f"{len(pairs)} pairs of users and items, {len(items)} items: too few to fit simulated users on;"
            f" expected {round(1 / HELD_OUT)} pairs and 2 items at least"
        )
    rng = np.random.default_rng((seed, 0))
    shuffled = rng.permutation(pairs)
    learned, judged = np.sort(shuffled[held:]), shuffled[:held][:JUDGED_MAX]
    x, y = factors(*np.divmod(learned, len(items)), shape, min(rank, *shape), seed)
    x, y = whitened(x - x.mean(axis=0), y)
    popularity = np.log1p(np.bincount(learned % len(items), minlength=len(items)).astype(np.float64))
    fit = _weighed(x, y, popularity, learned, judged, rng)
    tastes = fit.taste_weight * x
    taste = np.einsum("ed,ed->e", tastes[user_of], y[item_of])
    return Fitted(
        users,
        items,
        tastes,
        y,
        fit.popularity_weight * popularity,
        stars_of(stream.rating, user_of, item_of, taste, shape),
        activity_of(stream, user_of, len(users)),
        fit,
    )


def _numbers(names: list[str], known: list[str]) -> Numbers:
    number = {name: k for k, name in enumerate(known)}
    return np.fromiter((number[name] for name in names), np.int64, len(names))


def whitened(x: F64, y: F64) -> tuple[F64, F64]:
    """The same products from vectors of items whose numbers have the mean square 1 and no correlation."""
    squares, axes = np.linalg.eigh(y.T @ y / len(y))
    kept = squares > 1e-9 * max(float(squares[-1]), 1e-300)
    scale = np.sqrt(squares[kept])
    axes = axes[:, kept]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    return x @ axes * scale, y @ axes / scale


def _weighed(
    x: F64, y: F64, popularity: F64, learned: Numbers, judged: Numbers, rng: np.random.Generator
) -> Fit:
    """The weights that make the judged pairs most likely."""
    items = len(y)
    choices: list[F64] = []  # of each [2, n]: popularity and taste, those of the chosen item first
    met = set(learned.tolist())
    for pair in judged.tolist():
        user, item = divmod(pair, items)
        others = np.arange(items) if items <= OTHERS_MAX else rng.choice(items, OTHERS_MAX, replace=False)
        free = [k for k in others.tolist() if k != item and user * items + k not in met]
        rows = np.array([item, *free])
        choices.append(np.stack([popularity[rows], y[rows] @ x[user]]))
    popular = [each[:1] for each in choices]
    weights = np.maximum(most_likely(choices), 0.0)
    sizes = np.array([each.shape[1] for each in choices], np.float64)
    return Fit(
        len(choices),
        float(sizes.mean() - 1),
        float(-np.log(sizes).mean()),
        likelihood(most_likely(popular), popular),
        likelihood(weights, choices),
        float(weights[0]),
        float(weights[1]),
    )
