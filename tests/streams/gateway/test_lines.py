"""Lines out of parts: however a body is cut, the same lines come out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.lines import Line, LineSplitter, is_ndjson


def lines_of(body: bytes, cuts: list[int], longest: int) -> list[Line]:
    splitter, found = LineSplitter(longest), list[Line]()
    places = [0, *sorted(cuts), len(body)]
    for start, end in pairwise(places):
        found += splitter.feed(body[start:end])
    return [*found, *splitter.rest()]


@given(
    body=st.lists(st.sampled_from([b"\n", b"a", b"{}", b" ", b"\r\n", b"long"]), max_size=30).map(b"".join),
    data=st.data(),
    longest=st.integers(1, 8),
)
def test_however_a_body_is_cut(body: bytes, data: st.DataObject, longest: int) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=6))
    expected = [
        Line(number, None if len(line) > longest else line)
        for number, line in enumerate(body.split(b"\n"), 1)
        if len(line) > longest or line.strip()
    ]
    assert lines_of(body, cuts, longest) == expected


def test_a_line_without_end_takes_no_room() -> None:
    splitter = LineSplitter(10)
    for _ in range(1_000):
        assert list(splitter.feed(b"x" * 100)) == []
        assert len(splitter._begun) <= 10
    assert list(splitter.feed(b"\n{}\n")) == [Line(1, None), Line(2, b"{}")]


@pytest.mark.parametrize(
    ("content_type", "lines"),
    [
        (b"application/x-ndjson", True), (b"Application/NDJSON ; charset=utf-8", True),
        (b"application/jsonl", True), (b"application/json", False), (b"", False), (b"text/plain", False),
    ],
)  # fmt: skip
def test_types(content_type: bytes, lines: bool) -> None:
    assert is_ndjson(content_type) == lines
