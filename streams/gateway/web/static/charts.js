// Charts of Chart.js in the page's own colours, with a table of the same numbers.
import "../chart/Chart.bundle.js";
import { clock, column, format } from "./format.js";
import { el, t } from "./page.js";

const { Chart } = globalThis;
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4], [1, 3], []];
const SECOND = 1000;
const DAY = 86_400 * SECOND;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800].map((each) => each * SECOND);
const POINTS = ["circle", "rect", "triangle", "rectRot", "crossRot", "star", "dash", "line"];
/** A table has the latest ones. */
const ROWS = 200;
const drawn = new Set();

let present = null;
document.addEventListener("themechange", () => (present = null));

/** As "#rrggbb", as they are now: a property that names a colour for each theme is one colour only where it is used. */
function colours() {
  if (present !== null) return present;
  const probe = document.body.appendChild(el("span", { hidden: true }));
  const of = (name) => {
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/\d+/g).slice(0, 3);
    return `#${parts.map((each) => Number(each).toString(16).padStart(2, "0")).join("")}`;
  };
  present = {
    text: of("--text"),
    muted: of("--muted"),
    line: of("--line"),
    surface: of("--surface"),
    objective: of("--objective"),
    series: Array.from({ length: 8 }, (_, place) => of(`--series-${place + 1}`)),
  };
  probe.remove();
  return present;
}

/** Round times of the reader's clock within [min, max], at most `most`, and how far they are apart. */
export function roundTimes(min, max, most) {
  const step = STEPS.find((each) => (max - min) / each <= most) ?? Math.ceil((max - min) / most / DAY) * DAY;
  const zone = new Date(min).getTimezoneOffset() * 60 * SECOND;
  const times = [];
  for (let at = Math.ceil((min - zone) / step) * step + zone; at <= max; at += step) times.push(at);
  return { step, times: times.length === 0 ? [min] : times.slice(0, most) };
}

/** How a round time is written: to the second, to the minute, or as a day. */
function roundTime(at, step, span) {
  if (step < 60 * SECOND) return clock(at, "time");
  const midnight = (at - new Date(at).getTimezoneOffset() * 60 * SECOND) % DAY === 0;
  return clock(at, step >= DAY || (midnight && span > DAY) ? "day" : "minute");
}

/** Points that no line goes to: there is no number on either side of them. */
function alone(values) {
  const lacks = (at) => (values[at]?.[1] ?? null) === null;
  return values.map((_, at) => !lacks(at) && lacks(at - 1) && lacks(at + 1));
}

/** Lines over time, or over another number.
 *  series: [{name, values: [[x, y], ...], objective: bool}]; x in ms since 1970 where `time`. */
export function line(figure, options) {
  return new Drawing(figure, "line", options);
}

/** Bars. series: [{name, values: [[label, y], ...]}]; `stacked`, `across` (bars lie). */
export function bars(figure, options) {
  return new Drawing(figure, "bar", options);
}

/** An interval over time. series: [{name, values: [[x, low, mid, high], ...]}]; `zero`: a line at this height. */
export function intervals(figure, options) {
  return new Drawing(figure, "interval", options);
}

/** options: series, unit (a style of format.js), time, stacked, across, zero, min, max, legend ("always": of one, too).
 *  `show(series)` draws other numbers in its place. A series keeps its colour by its place: `colour` gives another. */
class Drawing {
  constructor(figure, kind, options) {
    this.figure = figure;
    this.kind = kind;
    this.options = { unit: "decimal", time: kind !== "bar", legend: true, ...options };
    this.canvas = figure.querySelector("canvas");
    this.table = figure.querySelector("table");
    this.details = figure.querySelector("details");
    this.details?.addEventListener("toggle", () => this.#tell());
    drawn.add(this);
    this.show(this.options.series ?? []);
  }

  show(series) {
    this.series = series;
    const empty = series.every((each) => each.values.length === 0);
    this.canvas.hidden = empty;
    this.figure.querySelector(".plot > .none")?.toggleAttribute("hidden", !empty);
    this.details?.toggleAttribute("hidden", empty);
    if (empty) {
      this.chart?.destroy();
      this.chart = undefined;
    } else if (this.chart === undefined) this.paint();
    else {
      const made = this.#datasets(colours());
      const kept = this.chart.data.datasets;
      if (made.length === kept.length) {
        made.forEach((each, place) => Object.assign(kept[place], each));
        this.chart.data.labels = this.#labels();
        if (this.kind !== "bar") Object.assign(this.chart.options.scales.x, this.#range());
        this.chart.update("none");
      } else this.paint(); // with one series there is no legend
    }
    this.#tell();
  }

  /** Draws it anew, in the colours that hold now. */
  paint() {
    this.chart?.destroy();
    this.chart = undefined;
    if (this.canvas.hidden) return;
    const c = colours();
    const type = this.kind === "bar" ? "bar" : "line";
    const data = { labels: this.#labels(), datasets: this.#datasets(c) };
    this.chart = new Chart(this.canvas, { type, data, options: this.#settings(c) });
  }

  destroy() {
    drawn.delete(this);
    this.chart?.destroy();
  }

  #labels() {
    if (this.kind !== "bar") return undefined;
    return [...new Set(this.series.flatMap((each) => each.values.map(([label]) => label)))];
  }

  /** From the first place to the last; around the only one where there is one. */
  #range() {
    const times = this.series.flatMap((each) => each.values.map(([x]) => x));
    const [first, last] = [Math.min(...times), Math.max(...times)];
    const around = first < last ? 0 : this.options.time ? 5 * SECOND : 0.5;
    return { min: first - around, max: last + around };
  }

  /** A time in a table or at a pointer; with its day where the chart is longer than one. */
  #told(at) {
    const { min, max } = this.#range();
    return clock(at, max - min > DAY ? "moment" : "time");
  }

  #datasets(c) {
    return this.series.flatMap((each, place) => {
      const order = each.colour ?? place;
      const colour = each.objective ? c.objective : c.series[order % 8];
      if (this.kind === "bar") {
        const of = new Map(each.values);
        return [{ label: each.name, data: this.#labels().map((label) => of.get(label) ?? null), backgroundColor: colour, borderRadius: 3, maxBarThickness: 36 }];
      }
      const lonely = alone(each.values);
      const dotted = lonely.includes(true);
      const common = {
        label: each.name,
        borderColor: colour,
        backgroundColor: colour,
        borderWidth: each.objective ? 1.5 : 2,
        borderDash: each.objective ? [4, 4] : DASHES[order % 8],
        pointStyle: POINTS[order % 8],
        pointRadius: dotted && !each.objective ? lonely.map((is) => (is ? 3 : 0)) : 0,
        clip: dotted ? 4 : undefined, // a dot at the edge stays round
        pointHitRadius: 10,
        tension: 0,
        stepped: each.stepped ?? false,
        spanGaps: false,
      };
      if (this.kind === "line") {
        const fill = this.options.stacked ? { fill: place === 0 ? "origin" : "-1", backgroundColor: `${colour}99` } : {};
        return [{ ...common, ...fill, data: each.values.map(([x, y]) => ({ x, y })) }];
      }
      const edge = { ...common, borderWidth: 0, pointRadius: 0, pointHitRadius: 0, isEdge: true };
      return [
        { ...edge, label: `${each.name}, ${t("web.js.low")}`, data: each.values.map(([x, low]) => ({ x, y: low })), fill: false },
        { ...edge, label: `${each.name}, ${t("web.js.high")}`, data: each.values.map(([x, , , high]) => ({ x, y: high })), fill: "-1", backgroundColor: `${colour}33` },
        { ...common, data: each.values.map(([x, , mid]) => ({ x, y: mid })) },
      ];
    });
  }

  #settings(c) {
    const { unit, time, stacked, across, zero, min, max } = this.options;
    const told = (value) => format(value, unit);
    const at = (value) => (time ? this.#told(value) : this.kind === "bar" ? value : format(value));
    let [step, span] = [SECOND, 0];
    const rounded = (axis) => {
      span = axis.max - axis.min;
      const found = roundTimes(axis.min, axis.max, Math.max(2, Math.min(6, Math.floor(axis.width / 80))));
      step = found.step;
      axis.ticks = found.times.map((value) => ({ value }));
    };
    const labels = (chart) =>
      Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) => ({ ...item, lineDash: chart.data.datasets[item.datasetIndex].borderDash, lineWidth: 2 }));
    const grid = { color: c.line, drawTicks: false };
    const ticks = { color: c.muted, maxTicksLimit: 6, font: { size: 11 }, padding: 6 };
    const border = { display: false };
    const values = {
      // Shares are rounded, so a stack of them may be a little higher than the whole.
      stacked, min, ...(stacked ? { max } : { suggestedMax: max }), beginAtZero: this.kind === "bar", border, grid: { ...grid, color: (line) => (zero !== undefined && line.tick?.value === zero ? c.text : c.line) },
      ticks: { ...ticks, maxTicksLimit: 5, includeBounds: false, ...(unit === "integer" ? { precision: 0 } : {}), callback: told },
    };
    const places = {
      stacked, border, grid: { display: false }, type: this.kind === "bar" ? "category" : "linear", ...(this.kind === "bar" ? {} : this.#range()), ...(time ? { afterBuildTicks: rounded } : {}),
      ticks: { ...ticks, maxRotation: 0, includeBounds: false, autoSkip: !across, ...(this.kind === "bar" ? {} : { callback: time ? (value) => roundTime(value, step, span) : at }) },
    };
    const shows = (this.series.length > 1 || this.options.legend === "always") && this.options.legend;
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: across ? "y" : "x",
      interaction: { mode: this.kind === "bar" ? "index" : "nearest", axis: across ? "y" : "x", intersect: false },
      scales: across ? { x: values, y: { ...places, ticks: { ...places.ticks, maxTicksLimit: 40 } } } : { x: places, y: values },
      plugins: {
        legend: { display: Boolean(shows), position: "bottom", align: "start", labels: { ...(this.kind === "bar" ? {} : { generateLabels: labels }), color: c.text, usePointStyle: true, pointStyle: this.kind === "bar" ? "rect" : "line", pointStyleWidth: 24, boxHeight: 6, font: { size: 12 }, filter: (item, all) => !all.datasets[item.datasetIndex].isEdge } },
        tooltip: {
          backgroundColor: c.text, titleColor: c.surface, bodyColor: c.surface, displayColors: false,
          callbacks: {
            title: (items) => (items.length === 0 ? "" : this.kind === "bar" ? items[0].label : at(items[0].parsed.x)),
            label: (item) => `${item.dataset.label}: ${told(across ? item.parsed.x : item.parsed.y)}`,
          },
        },
      },
    };
  }

  /** The same numbers as a table, where it is open. A row that says the same stays: somebody may read it just now. */
  #tell() {
    if (!this.details?.open) return;
    const { time } = this.options;
    const columns = this.series.map((each) => ({ ...each, cells: this.#cells(each) })).filter(({ cells }) => cells.size > 0);
    const xs = [...new Set(columns.flatMap(({ cells }) => [...cells.keys()]))];
    if (this.kind !== "bar") xs.sort((a, b) => b - a);
    for (const each of columns) level(each, xs);
    const at = (x) => (time ? this.#told(x) : typeof x === "number" ? format(x) : x);
    const head = el("tr", {}, el("th", { scope: "col" }, time ? t("web.js.time") : ""), ...columns.map(({ name }) => el("th", { scope: "col", class: "figure" }, name)));
    const rows = xs.slice(0, ROWS).map((x) => el("tr", { "data-at": x }, el("th", { scope: "row" }, at(x)), ...columns.map(({ cells }) => el("td", { class: "figure" }, cells.get(x) ?? "–"))));
    if (this.table.tHead === null) this.table.replaceChildren(el("thead"), el("tbody"));
    if (!this.table.tHead.rows[0]?.isEqualNode(head)) this.table.tHead.replaceChildren(head);
    const body = this.table.tBodies[0];
    const there = new Map([...body.rows].map((row) => [row.dataset.at, row]));
    const kept = rows.map((row) => (there.get(row.dataset.at)?.isEqualNode(row) ? there.get(row.dataset.at) : row));
    for (const row of [...body.rows]) if (!kept.includes(row)) row.remove();
    kept.forEach((row, place) => body.rows[place] !== row && body.insertBefore(row, body.rows[place] ?? null));
  }

  /** What a series has at which place; nothing where it has no number. */
  #cells({ values }) {
    const last = new Map(values.map(([x, ...rest]) => [x, rest])); // lines from bottom to top end with no number
    const numbers = [...last].filter(([, rest]) => rest.every((y) => y !== null && y !== undefined));
    const written = column(numbers.flatMap(([, rest]) => rest), this.options.unit);
    const text = ([low, mid, high]) => (this.kind === "interval" ? `${written(mid)} (${written(low)} – ${written(high)})` : written(low));
    return new Map(numbers.map(([x, rest]) => [x, text(rest)]));
  }
}

/** A level that is drawn from the first place to the last holds at all of them. */
function level({ objective, values, cells }, xs) {
  const [first] = values;
  if (!objective || values.some(([, y]) => y !== first[1])) return;
  const text = cells.get(first[0]);
  for (const x of xs) cells.set(x, text);
}

document.addEventListener("themechange", () => drawn.forEach((each) => each.paint()));
