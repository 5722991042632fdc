"""A dashboard as a list of rows of panels, and as Grafana's JSON, by Grafana's own builders."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from ops.dashboards.promql import Query

TAG = "headrace"
SOURCE = DataSourceRef("prometheus", "$datasource")
WIDTH, HEIGHT, STAT_HEIGHT = 24, 8, 4


class Panel(NamedTuple):
    """`says` is the help of the first query's metric where it is left out. `at_most`: a line that the values
    should stay below, or above with `at_least`. `stat`: one number in place of lines.
    """

    title: str
    queries: tuple[Query, ...]
    says: str = ""
    unit: str = ""
    stacked: bool = False
    at_most: float | None = None
    at_least: float | None = None
    most: float | None = None
    stat: bool = False


def lines(title: str, *queries: Query, **options: Any) -> Panel:
    """Values over time."""
    return Panel(title, queries, **options)


def number(title: str, query: Query, **options: Any) -> Panel:
    """One value, as it is now."""
    return Panel(title, (query,), stat=True, **options)


class Board(NamedTuple):
    """`name` is part of its file's name and of its address. `jobs`: whose instances may be chosen."""

    name: str
    title: str
    says: str
    jobs: tuple[str, ...]
    rows: dict[str, list[Panel]]

    @property
    def file(self) -> str:
        return f"{self.name}.json"

    def rendered(self) -> str:
        """The file's content."""
        tree = json.loads(json.dumps(_dashboard(self).build(), cls=JSONEncoder))
        return json.dumps(tree, indent=1, sort_keys=True) + "\n"


def _dashboard(board: Board) -> Dashboard:
    made = (
        Dashboard(f"Headrace: {board.title}")
        .uid(f"headrace-{board.name}")
        .description(board.says)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("10s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            DashboardLink("Headrace")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(DatasourceVariable("datasource").label("Source").type("prometheus"))
        .with_variable(
            _chooser("namespace", "Namespace", f'label_values(up{{job=~"{_any(board)}"}}, namespace)')
        )
        .with_variable(
            _chooser(
                "instance",
                "Instance",
                f'label_values(up{{namespace=~"$namespace", job=~"{_any(board)}"}}, instance)',
            )
        )
    )
    number = 0
    for title, panels in board.rows.items():
        made.with_row(Row(title).id(number := number + 1))
        width = WIDTH // len(panels) if len(panels) < 4 else WIDTH // 4 if panels[0].stat else WIDTH // 3
        for panel in panels:
            made.with_panel(_panel(panel).id(number := number + 1).span(width))
    return made


def _any(board: Board) -> str:
    return "|".join(board.jobs)


def _chooser(name: str, label: str, query: str) -> QueryVariable:
    # "All" also takes what has no such label: a Prometheus that sets no namespace.
    return (
        QueryVariable(name)
        .label(label)
        .query({"query": query, "refId": name})
        .datasource(SOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def _panel(panel: Panel) -> Stat | Timeseries:
    made: Stat | Timeseries = _stat(panel) if panel.stat else _timeseries(panel)
    made.title(panel.title).description(panel.says or panel.queries[0].says).datasource(SOURCE)
    made.unit(panel.unit or panel.queries[0].unit).no_value("no data")
    for at, query in enumerate(panel.queries):
        made.with_target(
            Dataquery().expr(query.expr).legend_format(query.legend or panel.title).ref_id(chr(ord("A") + at))
        )
    if (bound := _bound(panel)) is not None:
        made.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(bound))
    return made


def _bound(panel: Panel) -> list[Threshold] | None:
    if panel.at_most is not None:
        return [Threshold(value=None, color="green"), Threshold(value=panel.at_most, color="red")]
    if panel.at_least is not None:
        return [Threshold(value=None, color="red"), Threshold(value=panel.at_least, color="green")]
    return None


def _timeseries(panel: Panel) -> Timeseries:
    made = (
        Timeseries()
        .height(HEIGHT)
        .min(0)
        .line_width(1)
        .fill_opacity(20 if panel.stacked else 0)
        .show_points(VisibilityMode.NEVER)
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .legend(
            VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    if panel.most is not None:
        made.max(panel.most)
    if panel.stacked:
        made.stacking(StackingConfig().mode(StackingMode.NORMAL))
    if _bound(panel) is not None:
        made.thresholds_style(GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    return made


def _stat(_: Panel) -> Stat:
    return Stat().height(STAT_HEIGHT).reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
