"""Entity tags in requests: read as RFC 9110 has them, whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.conditional import Conditions, conditions_of, tag_of, tag_of_coding
from streams.gateway.errors import ProblemError

A, B = tag_of(b"a"), tag_of(b"b")


def asked(**headers: str) -> Conditions:
    return conditions_of([(name.replace("_", "-").encode(), each.encode()) for name, each in headers.items()])


def refused(conditions: Conditions, tag: str) -> bool:
    try:
        conditions.check(tag)
    except ProblemError as error:
        told = error.problem.status, error.headers
        return told == (412, {"ETag": tag} if tag else {})
    return False


@pytest.mark.parametrize(
    ("if_match", "tag", "fails"),
    [
        (A, A, False), (A, B, True), (A, "", True), ("*", A, False), ("*", "", True),
        (f"{B}, {A}", A, False), (f" , {A},", A, False), (f"W/{A}", A, True), ("", A, True),
        (A[1:-1], A, True), (f"{A} {B}", A, True), (tag_of_coding(A, "gzip"), A, False),
    ],
)  # fmt: skip
def test_if_match(if_match: str, tag: str, fails: bool) -> None:
    assert refused(asked(if_match=if_match), tag) == fails


@pytest.mark.parametrize(
    ("if_none_match", "tag", "known"),
    [
        (A, A, True), (A, B, False), ("*", A, True), ("*", "", False), (f"W/{A}", A, True),
        (f'"x", {A}', A, True), (tag_of_coding(A, "zstd"), A, True), ("not a tag", A, False), ("", A, False),
        ('"a,b"', '"a,b"', True), ('"a,b"', '"a"', False),
    ],
)  # fmt: skip
def test_if_none_match(if_none_match: str, tag: str, known: bool) -> None:
    conditions = asked(if_none_match=if_none_match)
    assert conditions.knows(tag) == known
    assert refused(conditions, tag) == known


def test_a_list_may_come_in_several_headers() -> None:
    headers = [(b"if-match", A.encode()), (b"host", b"h"), (b"if-match", B.encode())]
    assert not refused(conditions_of(headers), B)


def test_without_headers_all_is_allowed() -> None:
    assert not refused(conditions_of([]), "")
    assert not conditions_of([]).knows(A)


@given(value=st.binary(max_size=60), name=st.sampled_from([b"if-match", b"if-none-match"]))
def test_whatever_comes_is_read(value: bytes, name: bytes) -> None:
    conditions = conditions_of([(name, value)])
    assert conditions.knows(A) == (name == b"if-none-match" and value.strip(b" \t") == b"*")


@given(tags=st.lists(st.text("abc-!#[]", max_size=5), max_size=4), weak=st.booleans())
def test_each_tag_of_a_list_is_known(tags: list[str], weak: bool) -> None:
    listed = [f'"{tag}x"' for tag in tags]
    header = ", ".join(f"W/{tag}" if weak else tag for tag in listed)
    assert all(asked(if_none_match=header).knows(tag) for tag in listed)
