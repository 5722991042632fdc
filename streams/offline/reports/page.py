"""The frame of a report: one HTML page with its style, the plot library and pieces to fill it with.

The page is light or dark, as the reader's system is, and fits a phone's width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import DataError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2937; --soft: #4b5563; --page: #f3f4f6; --card: #fff;
  --edge: #e5e7eb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --soft: #a3acb9; --page: #0f141b;
  --card: #171e28; --edge: #2d3746; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 4px; overflow-wrap: anywhere; }
h3 { font-size: 15px; margin: 16px 0 0; overflow-wrap: anywhere; }
p { margin: 4px 0 12px; color: var(--soft); max-width: 75ch; }
section { background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 16px;
  margin-top: 16px; min-width: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin-top: 16px; }
.tile { background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 12px 16px; }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 0 16px; }
.two > * { min-width: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 8px; border-bottom: 1px solid var(--edge); }
th:first-child, td:first-child { text-align: left; }
table.words td { text-align: left; overflow-wrap: anywhere; }
tr.strong td { font-weight: 600; }
li { overflow-wrap: anywhere; }
@media (max-width: 600px) { main { padding: 16px 8px 48px; } section { padding: 12px 8px; } }
"""

# The browser draws plots while it reads the page: before their columns have a width, and in light colours.
_SCRIPT = """
const dark = matchMedia('(prefers-color-scheme: dark)');
function paint() {
  const ink = dark.matches ? '#d6dbe3' : '#1f2937', grid = dark.matches ? '#2d3746' : '#e5e7eb';
  for (const plot of document.querySelectorAll('.js-plotly-plot')) {
    const change = {'font.color': ink};
    for (const axis of Object.keys(plot.layout).filter(name => /^[xy]axis/.test(name)))
      for (const line of ['gridcolor', 'zerolinecolor', 'linecolor']) change[`${axis}.${line}`] = grid;
    Plotly.relayout(plot, change);
  }
}
addEventListener('load', () => { paint(); dispatchEvent(new Event('resize')); });
dark.addEventListener('change', paint);
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page. Raises `ImportError` if plotly is missing."""
    from plotly.offline import get_plotlyjs

    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head>\n<body><main>{''.join(parts)}</main>"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def write_page(path: Path, html: str) -> None:
    """Write the page. Raises `DataError` if the file can't be written."""
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise DataError(f"--report {path}: {error.strerror}; name a file that can be written") from None


def without_plotly() -> DataError:
    """The error for a missing plotly."""
    return DataError("--report needs plotly; install it: pip install 'headrace[train]'")


def section(title: str, text: str, *bodies: str) -> str:
    """A card. `text` and `bodies` are HTML already."""
    return f"<section><h2>{escape(title)}</h2>{f'<p>{text}</p>' if text else ''}{''.join(bodies)}</section>"


def tiles(figures: Iterable[tuple[str, str]]) -> str:
    """Names with their figures, large."""
    cells = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in figures
    )
    return f'<div class="tiles">{cells}</div>'


def beside(*parts: str) -> str:
    """Two columns if there is room."""
    return f'<div class="two">{"".join(parts)}</div>'


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], strong: str | None = None, words: bool = False
) -> str:
    """A table of texts. `strong`: the first cell of the row that stands out. `words`: the cells are prose."""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = ""
    for row in rows:
        mark = ' class="strong"' if strong is not None and row[0] == strong else ""
        body += f"<tr{mark}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
    kind = ' class="words"' if words else ""
    return f'<div class="wide"><table{kind}>{f"<tr>{names}</tr>" if names else ""}{body}</table></div>'


def plot(figure: go.Figure) -> str:
    """A plot as a piece of the page; the page's head holds the library once."""
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True}
    )
    return html
