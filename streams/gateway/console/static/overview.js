// The overview: figures, charts, stages and workers, renewed each second.
import { line } from "../web/charts.js";
import { format, show } from "../web/format.js";
import { el, t } from "../web/page.js";
import { badge, duration, fill, follow, over } from "./figures.js";

const at = (id) => document.getElementById(id);
const throughput = line(at("chart-throughput"), { unit: "rate", min: 0 });
const freshness = line(at("chart-freshness"), { unit: "ms", min: 0 });
const lag = line(at("chart-lag"), { unit: "integer", min: 0 });
const rungs = line(at("chart-rungs"), { unit: "percent", min: 0, max: 1, stacked: true, legend: "always" });
const STATES = { ready: "good", unready: "bad", silent: "bad" };

function draw(figures, points, [p50, p99]) {
  const { point, workers, totals } = figures;
  show(at("stat-applied"), point.applied, "rate");
  show(at("stat-slates"), point.slates, "rate");
  show(at("stat-p50"), point.p50.whole, "ms");
  show(at("stat-p99"), point.p99.whole, "ms");
  show(at("stat-lag"), point.lag, "integer");
  show(at("stat-workers"), point.workers, "integer");
  show(at("stat-letters"), totals.dead_letters, "integer");
  at("stat-p50").classList.toggle("over", point.p50.whole > p50);
  at("stat-p99").classList.toggle("over", point.p99.whole > p99);

  throughput.show([
    { name: t("console.js.applied"), values: over(points, (each) => each.applied) },
    { name: t("console.js.slates"), values: over(points, (each) => each.slates) },
    { name: t("console.js.served"), values: over(points, (each) => each.served) },
  ]);
  const made = points.filter((each) => each.p99.whole !== null);
  freshness.show(
    made.length === 0
      ? []
      : [
          { name: "p50", values: over(points, (each) => each.p50.whole) },
          { name: "p99", values: over(points, (each) => each.p99.whole) },
          { name: t("console.js.objective", { which: "p99" }), objective: true, values: [[points[0].at, p99], [points.at(-1).at, p99]] },
        ],
  );
  lag.show([
    { name: t("console.js.lag"), values: over(points, (each) => each.lag) },
    { name: t("console.js.queued"), values: over(points, (each) => each.queued) },
  ]);
  const names = [...new Set(points.flatMap((each) => Object.keys(each.rungs)))];
  names.sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  rungs.show(
    names.map((name) => ({ name: t(`console.js.rung.${name}`), colour: ORDER.indexOf(name), values: over(points, (each) => (Object.keys(each.rungs).length === 0 ? null : (each.rungs[name] ?? 0))) })),
  );

  for (const row of document.querySelectorAll("#stages tr[data-stage]")) {
    const stage = row.dataset.stage;
    show(row.cells[1], point.p50[stage], "ms");
    show(row.cells[2], point.p99[stage], "ms");
    const whole = point.p50.whole;
    row.querySelector("meter").value = whole ? Math.min(1, (point.p50[stage] ?? 0) / whole) : 0;
  }

  at("no-worker").hidden = workers.length > 0;
  fill(
    at("workers"),
    [t("console.js.worker"), t("console.js.state"), [t("console.js.reported"), "figure"], [t("console.js.applied"), "figure"], [t("console.js.slates"), "figure"], [t("console.js.cpu"), "figure"], [t("console.js.memory"), "figure"], [t("console.js.lag"), "figure"], [t("console.js.up"), "figure"]],
    workers.map((each) => [
      el("span", {}, each.name, each.leads ? el("span", { class: "note" }, ` ${t("console.js.leads")}`) : null),
      el("span", {}, badge(t(`console.js.state_${each.state}`), STATES[each.state]), each.trouble ? el("span", { class: "note" }, ` ${each.trouble}`) : null),
      t("console.js.ago", { time: duration(each.age_s) }),
      format(each.applied, "rate"),
      format(each.slates, "rate"),
      format(each.busy, "percent"),
      format(each.memory_bytes, "bytes"),
      format(each.lag),
      duration(each.up_s),
    ]),
  );
}

const ORDER = ["full", "fewer", "counters", "popular"];

follow(draw);
