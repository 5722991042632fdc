"""What `--quotes`, `--encoding`, `--separator` and `--comments` say."""

from __future__ import annotations

import pytest

from model.errors import DataError
from streams.datasets.files.reading import Reading, parse_readings


def test_for_all_files_and_for_one() -> None:
    found = parse_readings(["none", "items=backslash"], ["latin-1"], [r"\t", "users=;"], ["links=//"])
    assert found.of("interactions") == Reading("none", "iso8859-1", "\t")
    assert found.of("items") == Reading("backslash", "iso8859-1", "\t")
    assert found.of("users").separator == ";"
    assert found.of("links").comments == "//"
    assert parse_readings(["items=none", "standard"]).of("items").quotes == "none"  # in any order
    assert parse_readings(separator=["semicolon"]).of("graph").separator == ";"
    assert parse_readings(separator=[r"\x01"]).of("graph").separator == "\x01"
    assert parse_readings().of("items") == Reading()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"quotes": ["some"]}, "--quotes some: expected one of auto, standard, none, backslash"),
        ({"quotes": ["items=some"]}, "--quotes some"),
        ({"encoding": ["utf-9"]}, "--encoding utf-9: expected auto, or a name that Python knows"),
        ({"separator": [""]}, "--separator"),
        ({"separator": ['"']}, "--separator"),
        ({"comments": [" "]}, "--comments"),
    ],
)
def test_what_is_unknown_is_said(told: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_readings(**told)
