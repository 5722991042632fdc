"""MovieLens 100k (ml-100k), from the `recbole` wheel: the data set of the demo."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NamedTuple

from model.errors import DataError

_REMEDY = "run `make env`, or `pip install --no-deps --force-reinstall recbole==1.2.1`"


class DatasetFiles(NamedTuple):
    """Tab-separated files with headers in RecBole's form, `name:kind`.

    `triples`: a knowledge graph (Freebase); `links`: which film each of its
    entities is, but in the numbering of the later MovieLens releases, not in that of `items`
    (RUCAIBox/RecSysDatasets#130); see `benchmarks/ml_100k_links.py`.
    """

    interactions: Path
    users: Path
    items: Path
    triples: Path
    links: Path


def ml_100k() -> DatasetFiles:
    """100,000 ratings by 943 users of 1,682 films, with unix seconds; `DataError` if the wheel is missing.

    The code finds RecBole, but never imports it: it is installed without its dependencies, only for its data.

    >>> with ml_100k().interactions.open() as lines:
    ...     next(lines).split()
    ['user_id:token', 'item_id:token', 'rating:float', 'timestamp:float']
    """
    package = importlib.util.find_spec("recbole")
    if package is None or package.origin is None:
        raise DataError(f"ml-100k comes with the recbole wheel, which is not installed; {_REMEDY}")
    folder = Path(package.origin).parent / "dataset_example" / "ml-100k"
    files = DatasetFiles(*(folder / f"ml-100k.{kind}" for kind in ("inter", "user", "item", "kg", "link")))
    for file in files:
        if not file.is_file():
            raise DataError(f"the recbole wheel lacks {file}; {_REMEDY}")
    return files
