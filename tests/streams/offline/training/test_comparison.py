"""Networks side by side: which, and what is written of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from rich.console import Console

from model.compare import Row
from model.evaluate import Estimate
from model.schema import EncoderKind, FusionKind
from streams.offline.training.comparison import COMPARISONS, print_rows, variants, write_json, write_plot
from streams.settings.reading import override
from streams.settings.tree import Settings

ROWS = [
    Row("ligr", Estimate(0.2, 0.01), Estimate(0.1, 0.005), Estimate(0.0, 0.0), Estimate(0.7, 0.02),
        Estimate(0.9, 0.03), 1_234, 5.5),
    Row("none", Estimate(0.19, 0.01), Estimate(0.09, 0.005), Estimate(-0.01, 0.002), Estimate(0.6, 0.02),
        Estimate(0.91, 0.03), 1_000, 4.5),
]  # fmt: skip


@pytest.mark.parametrize(("what", "kinds"), [("fusion", FusionKind), ("encoder", EncoderKind)])
def test_variants_differ_in_one_setting_and_the_chosen_one_is_first(what: str, kinds: object) -> None:
    settings = override(
        Settings(), {"model": {"network": {"fusion": "concat", "encoder": "sasrec", "width": 16}}}
    )
    found = variants(what, settings)
    assert found[0].name == {"fusion": "concat", "encoder": "sasrec"}[what]
    assert sorted(each.name for each in found) == sorted(get_args(kinds))
    field = COMPARISONS[what][0]
    for each in found:
        assert getattr(each.network, field) == each.name
        same = msgspec.structs.replace(each.network, **{field: getattr(settings.model.network, field)})
        assert (same, each.plan) == (settings.model.network, settings.model.training)


def test_what_is_written_is_what_was_found(tmp_path: Path) -> None:
    write_json(tmp_path / "c.json", "encoder", ROWS, {"events": 9})
    read = json.loads((tmp_path / "c.json").read_text())
    assert (read["compared"], read["events"]) == ("encoder", 9)
    assert [row["ndcg"] for row in read["rows"]] == [
        {"value": 0.1, "error": 0.005},
        {"value": 0.09, "error": 0.005},
    ]
    write_plot(tmp_path / "c.html", "encoder", ROWS)
    page = (tmp_path / "c.html").read_text()
    assert "NDCG@10" in page
    assert "plotly.js v" in page  # in the page itself: it works offline
    console = Console(record=True, width=200)
    print_rows(console, "encoder", ROWS)
    shown = console.export_text()
    assert "0.0900 ±0.0050" in shown
    assert "-0.0100 ±0.0020" in shown
