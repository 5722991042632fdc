"""The film of ml-100k that each entity of its knowledge graph is, for `--links`.

  python -m benchmarks.ml_100k_links --movies ml-latest-small/movies.csv --out ml-100k.link

The wheel's own ml-100k.link numbers films as the later MovieLens releases do: there 260 is Star Wars, in
ml-100k it is Event Horizon (RUCAIBox/RecSysDatasets#130). So the file as it is joins films at random. This
program maps one numbering to the other by titles and years; `movies.csv` is that of ml-latest, 20m, 25m or
32m (grouplens.org).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.tables import open_table
from streams.local.datasets import ml_100k

_YEAR = re.compile(r"(.*?)\s*\((\d{4})\)\s*$")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--movies", required=True, metavar="FILE", help="movies.csv: movieId, title (year)")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")
    args = parser.parse_args()
    files = ml_100k()
    entities = {item: entity for entity, item in _cells(str(files.links), "entity_id", "item_id")}
    later: dict[tuple[str, int], str] = {}
    for movie_id, title in _cells(args.movies, "movieId", "title"):
        if match := _YEAR.match(title):
            later.setdefault((_letters(match[1]), int(match[2])), movie_id)
    found = []
    films = list(_cells(str(files.items), "item_id", "movie_title", "release_year"))
    for item, title, year in films:
        # The years differ by one if one file has the premiere and the other the release.
        years = [int(year) + by for by in (0, 1, -1)] if year.isdecimal() else []
        number = next((later[key] for each in years if (key := (_letters(title), each)) in later), "")
        if number in entities:
            found.append(f"{item}\t{entities[number]}\n")
    args.out.write_text("item_id:token\tentity_id:token\n" + "".join(found), encoding="utf-8")
    print(f"{args.out}: {len(found)} of {len(films)} films")


def _cells(spec: str, *columns: str) -> Iterator[tuple[str, ...]]:
    return (tuple(map(str, row.cells)) for row in open_table(spec).rows(columns, BadRows()))


def _letters(title: str) -> str:
    """A title for comparison: only letters and digits, without the parts in brackets."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)", "", title.lower()))


if __name__ == "__main__":
    main()
