"""The page of `headrace simulate experiments`: whether readings keep their promises."""

from __future__ import annotations

from html import escape
from pathlib import Path

from streams.experiments.simulated.promises import Promise
from streams.experiments.simulated.proof import Proof
from streams.experiments.simulated.told import adaptive, alarms, coverage, kept, mismatches, power, said
from streams.offline.reports.page import beside, page, plot, section, table, without_plotly, write_page

TITLE = "Simulated experiments"
ALARMS = (
    "No arm differs. The share of runs that have called a difference by then: a promise of 5% is one of all"
    " looks together. A usual z test at each look breaks it."
)
POWER = "Arm B is better by the planted effect. The share of runs that have found it by then."
ADAPTIVE = (
    "Weights of four arms move to what does better, while everybody comes to click half as much again. That"
    " misleads plain sums of arms."
)
MISMATCH = (
    "The share of runs that have called a mismatch by then. Half of the users are declared for each arm."
)


def write_proof(path: Path, proof: Proof, promises: list[Promise]) -> None:
    """Write the page; raises `DataError` where plotly is missing or the file can't be written."""
    try:
        html = _page(proof, promises)
    except ImportError:
        raise without_plotly() from None
    write_page(path, html)


def _page(proof: Proof, promises: list[Promise]) -> str:
    from streams.offline.reports import proof_plots as plots

    broken = [each.what for each in promises if not each.kept]
    end = "All promises are kept." if not broken else f"Broken: {'; '.join(broken)}."
    head = f"<h1>{TITLE}</h1><p>{escape(said(proof))}</p><p><b>{escape(end)}</b></p>"
    parts = [
        head,
        section("Alarms where nothing differs", "", _rows(alarms(proof))),
        section("Alarms by look", ALARMS, beside(*(plot(plots.alarms(proof, each)) for each in proof.kinds))),
        section("Power, and time to decide", "", _rows(power(proof))),
        section("Found by look", POWER, beside(*(plot(plots.power(proof, each)) for each in proof.kinds))),
        section("Coverage of the relative lift", "", _rows(coverage(proof))),
        *([section("Adaptive weights", ADAPTIVE, _rows(rows))] if (rows := adaptive(proof)) else []),
        section("Sample-ratio mismatch", MISMATCH, _rows(mismatches(proof)), plot(plots.mismatches(proof))),
        section("Promises", "", _rows(kept(promises))),
    ]
    return page(TITLE, parts)


def _rows(rows: list[list[str]]) -> str:
    return table(rows[0], rows[1:])
