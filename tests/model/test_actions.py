"""Codes of actions: they never move, and older models read newer ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.actions import ACTIONS, CODES, EARLIER_ACTIONS, NAME_PATTERN, code_of, known_codes


@given(st.from_regex(NAME_PATTERN, fullmatch=True))
def test_an_app_s_own_action_has_no_code_that_means_something_else(name: str) -> None:
    code = code_of(name)
    if name not in ACTIONS:
        assert 32 <= code < 252
        assert not 128 <= code < 160  # hashes of what was met
    assert code_of(name) == code


def test_an_older_model_reads_the_nearest_old_action() -> None:
    says = np.zeros(CODES, np.int8)
    says[code_of("wish")], says[code_of("boring")] = 1, -1
    codes = known_codes(EARLIER_ACTIONS, says)
    assert codes[:EARLIER_ACTIONS].tolist() == list(range(EARLIER_ACTIONS))
    assert codes.max() < EARLIER_ACTIONS
    read = {name: ACTIONS[codes[code_of(name)]] for name in ("dislike", "hide", "report", "share", "follow")}
    assert read == {"dislike": "skip", "hide": "skip", "report": "skip", "share": "like", "follow": "like"}
    assert [ACTIONS[codes[code_of(name)]] for name in ("wish", "boring", "gone")] == ["click", "skip", "view"]
    assert known_codes(CODES).tolist() == list(range(CODES))
