"""A worker's knowledge graph: read, with what was left out in the log, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import DataError
from streams.serving.graph import load_graph
from streams.settings.ranking import GraphSettings


def test_it_is_read_and_the_log_names_what_was_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kg.csv").write_text("head,relation,tail\nm1,by,d\nm2,,d\nm3,by,d\n")
    graph = load_graph(GraphSettings(str(tmp_path / "kg.csv")))
    assert graph is not None
    assert len(graph.neighbour) == 4
    assert "kg.csv: 1 rows left out, the first: kg.csv:3: no relation" in caplog.text


def test_none_is_named_or_none_is_there(tmp_path: Path) -> None:
    assert load_graph(GraphSettings()) is None
    with pytest.raises(DataError, match=r"absent\.kg"):
        load_graph(GraphSettings(str(tmp_path / "absent.kg")))
