"""Groups found again from hashed profiles are those of the profiles."""

from __future__ import annotations

import numpy as np
import pytest

from model.hashing import profile_of
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.local.datasets import ml_100k
from streams.offline.training import user_groups
from streams.offline.training.user_groups import AGE_FROM, groups, labels


def test_each_users_group_is_found_from_the_hashed_row() -> None:
    files = ml_100k()
    profiles = load_dataset(DatasetSpec(str(files.interactions), users=str(files.users))).users
    users = sorted(profiles)[::7]
    found = groups(np.stack([profile_of(profiles[user]) for user in users]), profiles)
    assert set(found) == {"age", "gender", "occupation"}  # zip codes are too many
    for field in ("gender", "occupation"):
        told = found[field] != ""
        assert told.mean() > 0.98
        assert found[field][told].tolist() == [
            profiles[user][field] for user, there in zip(users, told, strict=True) if there
        ]
    for user, band in zip(users, found["age"], strict=True):
        age = int(profiles[user]["age"])
        begin = max(edge for edge in AGE_FROM if edge <= age)
        assert band in ("", "under 18") or band.startswith(str(begin))
    assert set(np.unique(found["age"])) <= {
        "",
        "under 18",
        "18-24",
        "25-34",
        "35-44",
        "45-49",
        "50-55",
        "56+",
    }


def test_profiles_that_hash_alike_are_not_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = {"a": {"kind": "x"}, "b": {"kind": "y"}, "c": {"kind": "x"}}
    rows = np.stack([profile_of(profiles[user]) for user in "abc"])
    assert groups(rows, profiles)["kind"].tolist() == ["x", "y", "x"]
    monkeypatch.setattr(user_groups, "profile_of", lambda profile: np.zeros(8, np.int32))
    assert groups(np.zeros((3, 8), np.int32), profiles)["kind"].tolist() == ["", "", ""]


def test_unknown_rows_and_missing_fields_have_no_group() -> None:
    profiles = {"a": {"kind": "x", "age": "30"}, "b": {"kind": "y"}}
    rows = np.stack([profile_of(profiles["b"]), np.arange(8, dtype=np.int32)])
    found = groups(rows, profiles)
    assert found["kind"].tolist() == ["y", ""]
    assert "age" not in found  # one value is no grouping


def test_many_numbers_become_quarters_and_many_words_nothing() -> None:
    banded = labels("income", [str(each) for each in range(100)])
    assert {banded[str(each)] for each in range(0, 100, 10)} == {"under 24", "24-48", "49-73", "74+"}
    assert (banded["23"], banded["24"], banded["74"]) == ("under 24", "24-48", "74+")
    assert labels("street", [f"s{each}" for each in range(100)]) == {}
    assert labels("kind", ["", " "]) == {}
