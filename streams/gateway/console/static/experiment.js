// One experiment: its intervals over time, and what may be done with it.
import { intervals, line } from "../web/charts.js";
import { data, ready, t } from "../web/page.js";
import { wire } from "./doing.js";
import { occupied, renews } from "./renewing.js";

const ROOM = 1.15;

const place = (id) => document.getElementById(id);

/** Early intervals are so wide that they would hide the others. */
function range(values) {
  const late = values.slice(Math.floor(values.length / 4));
  const low = Math.min(-0.01, ...late.map(([, each]) => each));
  const high = Math.max(0.01, ...late.map((each) => each.at(-1)));
  return late.length === 0 ? {} : { min: low * ROOM, max: high * ROOM };
}

/** What each chart of the page shows: [its id, how it is drawn, its options]. */
function charts(course) {
  const { times } = course;
  const of = (values) => times.map((x, at) => [x, values[at]]).filter(([, y]) => y !== null);
  const flat = (height) => [[times[0], height], [times.at(-1), height]];
  const spread = (low, mid, high) => times.map((x, at) => [x, low[at], mid[at], high[at]]).filter(([, each]) => (each ?? null) !== null);
  const lifts = course.lifts.map((each, at) => {
    const values = spread(each.low, each.lift, each.high);
    return [`chart-lift-${at}`, intervals, { series: [{ name: each.arm, values }], unit: "percent", zero: 0, legend: false, ...range(values) }];
  });
  const guards = course.guardrails.map((each, at) => [`chart-guard-${at}`, line, {
    unit: "percent",
    series: [
      { name: t("console.js.experiment.lift"), values: of(each.lift) },
      { name: t("console.js.experiment.bound"), values: of(each.bound) },
      { name: t("console.js.experiment.stopped"), values: of(each.bound).length ? flat(each.worst) : [], objective: true },
    ],
  }]);
  const mismatch = ["chart-mismatch", line, {
    series: [
      { name: t("console.js.experiment.evidence"), values: of(course.mismatch) },
      { name: t("console.js.experiment.blocked"), values: flat(course.mismatch_limit), objective: true },
    ],
  }];
  const votes = ["chart-votes", intervals, {
    series: [{ name: t("console.js.experiment.votes"), values: spread(course.low, course.share, course.high) }],
    unit: "percent", zero: 0.5, min: 0, max: 1, legend: false,
  }];
  return [...lifts, ...guards, mismatch, votes].filter(([id]) => place(id) !== null);
}

const drawn = new Map();

function draw(course) {
  for (const [id, made, options] of charts(course)) {
    if (drawn.has(id)) drawn.get(id).show(options.series);
    else drawn.set(id, made(place(id), options));
  }
}

const ids = (page) => [...page.querySelectorAll("#charts > figure")].map((each) => each.id).join();
const course = data("course", null);
wire();
ready();
if (course !== null) draw(course);
renews((page) => {
  const now = data("course", null, page);
  if (ids(page) !== ids(document)) occupied() || location.reload(); // it has begun, or another phase has
  else if (now !== null) draw(now);
});
