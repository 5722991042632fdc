"""`headrace train --report`: one page on a training, and on how well the model serves which users."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.text import UNKNOWN_SHARE
from model.evaluate import Estimate
from model.reliability import Reliability
from streams.offline.reports.page import beside, page, plot, section, table, tiles, without_plotly, write_page

if TYPE_CHECKING:
    from model.group_gaps import Gap
    from streams.offline.reports.training_findings import Findings, Sample

PREDICTED = {"click": "share of the softmax", "rating": "predicted rating"}
OBSERVED = {"click": "share that users met", "rating": "given rating"}


def write_training_report(path: Path, title: str, findings: Findings, facts: Mapping[str, Any]) -> None:
    """Write the page; `facts`: settings and versions, a tree of plain values.

    Raises `DataError` if plotly is missing or the file can't be written.
    """
    try:
        html = page(f"Training: {title}", _parts(title, findings, facts))
    except ImportError:
        raise without_plotly() from None
    write_page(path, html)


def _parts(title: str, findings: Findings, facts: Mapping[str, Any]) -> list[str]:
    from streams.offline.reports import training_plots as plots

    judged = [each for each in findings.progress if not np.isnan(each.ndcg.value)]
    return [
        _head(title, findings, facts),
        tiles(
            [
                ("HR@10", _short(judged[-1].hit_rate) if judged else "–"),
                ("NDCG@10", _short(judged[-1].ndcg) if judged else "–"),
                *(
                    (f"calibration error, {name}", f"{each.error:.3f}")
                    for name, each in findings.reliability.items()
                ),
                ("Gini of what is shown", f"{findings.exposure.gini_shown:.2f}"),
            ]
        ),
        beside(
            section(
                "Losses",
                "On the training examples, with dropout, and by term before its weight.",
                plot(plots.losses(findings.progress)),
            ),
            section(
                "Ranking by epoch",
                "The bands are 95% intervals, events taken as independent.",
                plot(plots.ranking_by_epoch(findings.progress)),
            ),
        ),
        beside(*(_calibration(name, each) for name, each in findings.reliability.items() if each.bins)),
        beside(
            section(
                "By the user's history",
                "How many events of the user came before, and examples; bars show 95% intervals.",
                plot(plots.segment_bars(findings.users, "the user's events before")),
            ),
            section(
                "By the item's age",
                "How many events of the item came before.",
                plot(plots.segment_bars(findings.items, "the item's events before")),
            ),
        ),
        _fairness(findings),
        section(
            "Exposure of items",
            "Which items have the first ten places. "
            f"Slates show {findings.exposure.items_shown:,} different items. "
            f"Gini coefficient over the catalogue: {findings.exposure.gini_shown:.3f} of shown items, "
            f"{findings.exposure.gini_consumed:.3f} of consumed items (0: all items alike; 1: one has all).",
            plot(plots.exposure_bars(findings.exposure)),
        ),
        *(_sample(each) for each in findings.samples),
        section("Settings and versions", "", table([], _flat(facts), words=True)),
    ]


def _head(title: str, findings: Findings, facts: Mapping[str, Any]) -> str:
    learned = max((each.done for each in findings.progress), default=0)
    unknown = facts.get("unknown_tokens", 0.0)
    warning = (
        f"<p><strong>The text encoder does not know {unknown:.0%} of the texts' tokens.</strong> All of them "
        "are the same to it: name another one as model.text_encoder, and train again.</p>"
        if unknown > UNKNOWN_SHARE
        else ""
    )
    return (
        f"<h1>Training: {escape(title)}</h1><p>The model learned {learned:,} examples, over all epochs. "
        f"Everything below but the losses is of {findings.events:,} newer, held-out examples, each "
        f"with its whole pool of candidates; a candidate miss scores 0.</p>{warning}"
    )


def _calibration(name: str, judged: Reliability) -> str:
    from streams.offline.reports.reliability_plot import reliability_curve

    counts = [each.events for each in judged.bins]
    cases = f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    text = (
        f"{len(counts)} bins of {cases} cases, with 95% intervals; "
        f"expected calibration error {judged.error:.4f}."
    )
    if name == "click":
        text = "Of the first ten candidates of each slate. " + text
    predicted, observed = PREDICTED.get(name, "predicted probability"), OBSERVED.get(name, "observed share")
    rows = [
        [
            f"{each.predicted:.3f}",
            f"{each.observed:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            f"{each.events:,}",
        ]
        for each in judged.bins
    ]
    counted = table(["predicted", "observed", "95% interval", "cases"], rows)
    body = plot(reliability_curve(judged, predicted, observed))
    return section(
        f"Calibration: {name}", text, body, f"<details><summary>the bins</summary>{counted}</details>"
    )


def _fairness(findings: Findings) -> str:
    from streams.offline.reports import training_plots as plots

    if not findings.gaps:
        return section(
            "Gaps between user groups",
            "No profile field makes groups of at least ten users: nothing to compare.",
        )
    shown = [gap for gaps in findings.gaps.values() for gap in gaps]
    alone = [gap for gap in shown if gap.low > 0 or gap.high < 0]
    text = (
        "NDCG@10 of each group minus that of all other users, with the number of its users. Each interval is "
        "of 95%, from drawing whole users with replacement. "
        f"The page compares {findings.compared} differences: if there is none at all, about "
        f"{0.05 * findings.compared:.1f} of these intervals leave 0 out by chance. {len(alone)} do; "
        f"{sum(gap.holds for gap in shown)} still do when all are widened to hold together (Bonferroni): "
        "those are filled."
    )
    drawn = [_group_plot(field, plot(plots.gap_intervals(gaps))) for field, gaps in findings.gaps.items()]
    return section("Gaps between user groups", text, beside(*drawn), _gap_table(findings.gaps))


def _group_plot(field: str, drawn: str) -> str:
    return f"<div><h3>{escape(field)}</h3>{drawn}</div>"


def _gap_table(gaps: Mapping[str, list[Gap]]) -> str:
    rows = [
        [
            f"{field}: {gap.group}", f"{gap.users:,}", f"{gap.events:,}", f"{gap.mean:.4f}",
            f"{gap.difference:+.4f}", f"{gap.low:+.4f} to {gap.high:+.4f}", "yes" if gap.holds else "",
        ]
        for field, each in gaps.items()
        for gap in each
    ]  # fmt: skip
    head = ["group", "users", "events", "NDCG@10", "gap", "95% interval", "holds among all"]
    return f"<details><summary>as a table</summary>{table(head, rows)}</details>"


def _sample(sample: Sample) -> str:
    from streams.offline.reports import training_plots as plots

    text = (
        f"The first place for a user who lately met {len(sample.history)} items. First, how the heads attend "
        f"to the newest of them; then what each part adds to the click score of {sample.score:.2f}, beyond "
        f"the {sample.base:.2f} of an unknown candidate and an unknown user (integrated gradients; "
        f"the parts miss {sample.gap:+.3f})."
    )
    body = beside(
        f"<div>{plot(plots.attention_map(sample))}</div>", f"<div>{plot(plots.part_bars(sample))}</div>"
    )
    return section(f"Why {sample.title}", text, body)


def _short(estimate: Estimate) -> str:
    return "–" if np.isnan(estimate.value) else f"{estimate.value:.3f}"


def _flat(tree: Mapping[str, Any], lead: str = "") -> list[list[str]]:
    """Names with dots, and values as texts."""
    rows: list[list[str]] = []
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            rows += _flat(value, f"{lead}{name}.")
        else:
            rows.append([f"{lead}{name}", _text(value)])
    return rows


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value) or "–"
    return "–" if value in ("", None) or value == {} else str(value)
