"""The plots of simulated experiments, each a plotly figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from streams.experiments.simulated.methods import DecisionFigures
from streams.experiments.simulated.proof import KindFigures, Proof
from streams.offline.reports.figure import GREY, figure, line

ALARMS = ("sequence, CUPED", "sequence, CUPED, open-ended", "O'Brien-Fleming, CUPED", "guardrail, CUPED")
POWER = ("sequence, CUPED", "sequence", "O'Brien-Fleming, CUPED", "Pocock, CUPED", "fixed horizon, CUPED")


def alarms(proof: Proof, each: KindFigures) -> go.Figure:
    """The share of runs without a difference that have called one by each look."""
    shown = _by_look(proof, f"{each.kind}: share of runs", each.alarms, ALARMS)
    shown.add_hline(y=proof.options.alpha, line={"color": GREY, "dash": "dot"})
    shown.update_yaxes(rangemode="tozero")
    return shown


def power(proof: Proof, each: KindFigures) -> go.Figure:
    """The share of runs with the planted effect that have found it by each look."""
    shown = _by_look(proof, f"{each.kind} {each.effect:+.1%}: share of runs", each.power, POWER)
    shown.update_yaxes(range=[0.0, 1.02])
    return shown


def mismatches(proof: Proof) -> go.Figure:
    """The share of runs that have called a mismatch, by users."""
    shown = figure("users (log)", "share of runs")
    for index, found in enumerate(proof.mismatches):
        shown.add_scatter(x=found.users, y=found.by_look, name=found.what, line=line(index))
    shown.update_layout(hovermode="x unified", xaxis_type="log")
    shown.update_yaxes(range=[0.0, 1.02])
    return shown


def _by_look(
    proof: Proof, title: str, methods: Mapping[str, DecisionFigures], names: Sequence[str]
) -> go.Figure:
    shown = figure("users", title, height=340)
    every = proof.options.every
    for index, name in enumerate(names):
        shares = methods[name].by_look
        users = [every * look for look in range(1, len(shares) + 1)]
        shown.add_scatter(x=users, y=shares, name=name, line=line(index))
    shown.update_layout(hovermode="x unified", legend={"font": {"size": 11}})
    return shown
