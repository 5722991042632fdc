"""The stream as many users at once make it.

In ml-100k a user gives all their ratings within minutes, and one user comes after another. Real traffic has
many users at a time, and an experiment needs them: it says nothing of an arm before a hundred users have seen
it. So the demo deals the events anew. A number of users is there at once, and any of them acts next. When one
has no event left, the next one comes, in the order in which ml-100k has them. Each user's own events keep
their order.
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from streams.datasets.interactions import Interactions


def at_once(stream: Interactions, users: int, seed: int) -> Interactions:
    """The stream with `users` users at a time, as far as there are so many; the same for the same seed."""
    waiting: dict[str, list[int]] = {}
    for number, user in enumerate(stream.user):
        waiting.setdefault(user, []).append(number)
    coming = iter([events[::-1] for events in waiting.values()])
    there = list(islice(coming, users))
    draws = np.random.default_rng(seed).random(len(stream)).tolist()
    order = []
    for draw in draws:
        at = int(draw * len(there))
        order.append(there[at].pop())
        if there[at]:
            continue
        if (events := next(coming, None)) is not None:
            there[at] = events
        else:
            del there[at]
    return stream.take(np.array(order, np.intp))
