"""All that a net reads of a list beside the signals that experts read (`streams.signals.list_signals`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.schema import F32
from streams.learning.kept_slates import Slates
from streams.signals.list_signals import ShownPlaces
from streams.signals.lists.around import AROUND, around
from streams.signals.lists.likeness import LIKENESS, ItemContent, likeness
from streams.signals.lists.numbers import OF_FIELD, Known, of_field
from streams.signals.lists.session import session_in
from streams.signals.lists.touches import TOUCHES, touches
from streams.signals.lists.whole import BEFORE, WHOLE, before, whole
from streams.state.user_state import UserState


def features_of(fields: Sequence[str]) -> tuple[str, ...]:
    """The columns of `list_features` for lists with these fields."""
    of_fields = (f"list_{field}_{name}" for field in fields for name in OF_FIELD)
    return (*TOUCHES, *AROUND, *WHOLE, *BEFORE, *LIKENESS, *of_fields)


def list_features(
    places: ShownPlaces,
    state: UserState,
    kept: Slates,
    now_ms: int,
    known: Known,
    counts: F32,
    content: ItemContent,
) -> F32:
    """float32 [n, len(features_of(fields))], all finite; the arguments are those of `list_signals`, and the
    content of all items.
    """
    session = session_in(places.rows, state, now_ms, counts)
    columns = [
        *touches(session),
        *around(session),
        *whole(session, state, kept),
        *before(places.rows, kept),
        *likeness(places.rows, content, session),
        *(
            column
            for field in range(places.numbers.shape[1])
            for column in of_field(places.rows, places.numbers[:, field], field, known, session)
        ),
    ]
    return np.stack(columns, axis=1).astype(np.float32)
