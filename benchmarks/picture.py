"""The picture in README: where an event goes, with the measured times of its stages.

    python -m benchmarks.picture

It reads benchmarks/results/freshness.json and writes docs/picture.svg. tests/test_docs.py compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/freshness.json"
PICTURE = ROOT / "docs/picture.svg"
RATE = 300.0  # events a second: the step whose times are shown

WIDTH, HEIGHT = 900, 420
TITLE = "An event goes from the app through gateway, Kafka and worker to Redis; the app reads the feed there."
INK, QUIET, EVENT, MODEL = "#1f2937", "#6b7280", "#2563eb", "#b45309"
STYLE = f"""
text {{ font: 14px 'Segoe UI', Helvetica, Arial, sans-serif; fill: {INK}; text-anchor: middle }}
.name {{ font-weight: 600; font-size: 15px }}
.small {{ font-size: 12px; fill: {QUIET} }}
.time {{ font-size: 13px; font-weight: 600; fill: {EVENT} }}
rect {{ fill: #ffffff; stroke: {QUIET}; stroke-width: 1.2 }}
path {{ fill: none; stroke-width: 1.8 }}
.event {{ stroke: {EVENT}; marker-end: url(#event) }}
.model {{ stroke: {MODEL}; marker-end: url(#model) }}
"""
TOP, MIDDLE, BOTTOM = 60, 132, 300  # y of the boxes, of the arrows between them, of the training's boxes


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, name: str, lines: Sequence[str]) -> str:
    """A rectangle with a name at its top and a line of text for each of `lines` below."""
    middle = x + width / 2
    said = [text(middle, y + 48 + 19 * place, line, "small") for place, line in enumerate(lines)]
    rectangle = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8"/>'
    return "\n".join([rectangle, text(middle, y + 25, name, "name"), *said])


def arrow(way: str, kind: str) -> str:
    """`way`: the data of an SVG path; `kind`: event or model."""
    return f'<path d="{way}" class="{kind}"/>'


def tip(kind: str, colour: str) -> str:
    return (
        f'<marker id="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" '
        f'orient="auto"><path d="M0 0L10 5L0 10z" style="fill:{colour}"/></marker>'
    )


def draw(report: dict[str, Any]) -> str:
    """The picture as SVG, with the medians of `report`'s step at `RATE` events a second.

    `report`: what `headrace bench freshness --json` writes. Raises `StopIteration` where it lacks that step.
    """
    step = next(step for step in report["steps"] if step["rate"] == RATE)
    ms = {name: f"{stage['p50']:.0f} ms" for name, stage in step["stages"].items()}
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{TITLE}</title>",
            f"<style>{STYLE}</style>",
            f"<defs>{tip('event', EVENT)}{tip('model', MODEL)}</defs>",
            f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" rx="12" style="fill:#f9fafb;stroke:none"/>',
            text(460, 30, f"{ms['accepted_to_seen']} from the accepted event to the new feed", "time"),
            box(20, TOP, 100, 145, "your app", ["sends what", "users do,", "shows feeds"]),
            box(180, TOP, 130, 145, "gateway", ["checks each event,", "answers 202", "when Kafka has it"]),
            box(370, TOP, 90, 145, "Kafka", ["keeps", "the events"]),
            box(
                520,
                TOP,
                190,
                145,
                "worker (Faust)",
                [
                    "folds the event into",
                    "the user's state, finds",
                    "120 candidates, scores",
                    "them: ONNX, int8",
                ],
            ),
            box(770, TOP, 110, 145, "Redis", ["feeds,", "user states,", "ledger"]),
            arrow(f"M120 {MIDDLE}H180", "event"),
            arrow(f"M310 {MIDDLE}H370", "event"),
            arrow(f"M460 {MIDDLE}H520", "event"),
            arrow(f"M710 {MIDDLE}H770", "event"),
            text(415, TOP - 8, f"{ms['accepted_to_applied']} waiting", "time"),
            text(615, TOP - 8, f"{ms['applied_to_pushed']} work", "time"),
            text(825, TOP - 8, f"{ms['pushed_to_seen']} write, read", "time"),
            arrow(f"M825 {TOP + 145}V245H245V{TOP + 145}", "event"),
            text(400, 238, "the gateway reads the feed", "small"),
            arrow(f"M180 {MIDDLE + 40}H120", "event"),
            box(520, BOTTOM, 190, 70, "examples", ["Parquet, from live events"]),
            box(245, BOTTOM, 215, 70, "headrace renew", ["trains, exports, compares"]),
            box(20, BOTTOM, 165, 70, "registry", ["models that pass"]),
            arrow(f"M690 {TOP + 145}V{BOTTOM}", "model"),
            arrow(f"M520 {BOTTOM + 35}H460", "model"),
            arrow(f"M245 {BOTTOM + 35}H185", "model"),
            arrow(f"M102 {BOTTOM}V275H560V{TOP + 145}", "model"),
            text(330, 269, "workers load the new model while they serve", "small"),
            text(
                WIDTH / 2,
                HEIGHT - 18,
                f"Medians at {RATE:g} events/s, one worker, {report['machine']['cores']} cores, "
                f"{report['machine']['date'][:10]} (benchmarks/results/freshness.json)",
                "small",
            ),
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(json.loads(RESULTS.read_text())))
