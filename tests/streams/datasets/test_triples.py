"""Graph files as people have them, good rows and bad."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from model.errors import DataError
from streams.datasets.triples import ReadGraph, read_graph
from streams.local.datasets import ml_100k
from streams.settings.ranking import GraphSettings


def read(folder: Path, triples: str | bytes, links: str | None = None) -> ReadGraph:
    (folder / "kg").write_bytes(triples if isinstance(triples, bytes) else triples.encode())
    if links is not None:
        (folder / "link").write_text(links)
    found = read_graph(GraphSettings(str(folder / "kg"), "" if links is None else str(folder / "link")))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "triples",
    [
        "head_id:token\trelation_id:token\ttail_id:token\nm1\tby\td\nm2\tby\td\n",
        "head,relation,tail\nm1,by,d\nm2,by,d\n",
        "m1\tby\td\nm2\tby\td\n",
        "tail;head;relation\nd;m1;by\nd;m2;by\n",
        "".join(f'{{"subject": "{film}", "predicate": "by", "object": "d"}}\n' for film in ("m1", "m2")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_formats(tmp_path: Path, triples: str, packed: bool) -> None:
    graph = read(tmp_path, gzip.compress(triples.encode()) if packed else triples).graph
    assert set(graph.nodes) == {"m1", "m2", "d"}
    assert graph.between(graph.nodes["m2"], graph.nodes["d"]).forward == ("by",)


@pytest.mark.parametrize(
    "links",
    ["item_id:token\tentity_id:token\n7\tm1\n8\tm2\n", "7,m1\n8,m2\n", "entity,movieId\nm1,7\nm2,8\n"],
)
def test_links_name_the_items(tmp_path: Path, links: str) -> None:
    found = read(tmp_path, "m1\tby\td\nm2\tby\td\nx\tby\td\n", links)
    assert set(found.graph.nodes) == {"7", "8"}
    assert len(found.graph.neighbour) == 4
    assert any("2 items linked" in note for note in found.notes)


def test_names_are_read_where_there_are_some(tmp_path: Path) -> None:
    graph = read(tmp_path, "head,relation,tail,tail_name\nm1,by,d,Agnès Varda\nm2,by,e,\n").graph
    assert graph.names[graph.nodes["d"]] == "Agnès Varda"
    assert graph.names[graph.nodes["e"]] == ""


def test_bad_rows_are_named_and_left_out(tmp_path: Path) -> None:
    triples = "head,relation,tail\nm1,by,d\nm2,,d\nm3,by\nm2,by,d\n" + f"m1,by,{'x' * 200}\n" + "m3,by,d\n"
    found = read(tmp_path, triples, "item_id,entity_id\n1,m1\n2,m1\n,m2\n2,m2\n3,m3\n3,m3\n")
    assert [(row.file, row.line) for row in sorted(found.bad.rows)] == [
        ("kg", 3), ("kg", 4), ("kg", 6), ("link", 3), ("link", 4),
    ]  # fmt: skip
    assert "entity 'm1' is item '1' already" in str(sorted(found.bad.rows)[3])
    assert set(found.graph.nodes) == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("triples", "links", "says"),
    [
        ("head,relation\nm1,by\n", None, "no column found for tail"),
        ("m1,by\nm2,by\n", None, "no column found for tail"),
        ("head,relation,tail\n,,\n,,\nm1,by,d\n", None, "more than half"),
        ("m1,by,d\nm2,by,d\n", "item_id,entity_id\n1,q1\n2,q2\n", "none of its 2 triples touches"),
        ("m1,by,d\nm2,by,d\n", "item_id,entity_id\n,q1\n,q2\n1,m1\n", "more than half"),
        ("", None, "is empty"),
        ("user_id:token\titem_id:token\trating:float\n1\t2\t3\n", None, "for head, relation, tail"),
        ("userId,movieId,rating\n1,2,3\n", None, "for head, relation, tail"),
    ],
)
def test_what_can_not_be_used_is_refused_with_a_reason(
    tmp_path: Path, triples: str, links: str | None, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        read(tmp_path, triples, links)


def test_nothing_named_is_no_graph_and_links_alone_are_refused() -> None:
    assert read_graph(GraphSettings()) is None
    with pytest.raises(DataError, match="no triples"):
        read_graph(GraphSettings(links="some.link"))


def test_the_graph_that_comes_with_ml_100k() -> None:
    """Against a count by the standard library; film 1 has the same number in all releases."""
    files = ml_100k()
    found = read_graph(GraphSettings(str(files.triples), str(files.links)))
    assert found is not None
    entity = dict(line.split("\t") for line in files.links.read_text().split("\n")[1:-1])["1"]
    lines = [line.split("\t") for line in files.triples.read_text().split("\n")[1:] if line]
    near = {tail for head, _, tail in lines if head == entity} | {h for h, _, tail in lines if tail == entity}
    graph, node = found.graph, found.graph.nodes["1"]
    assert graph.start[node + 1] - graph.start[node] == len(near) > 20
    assert not found.bad
