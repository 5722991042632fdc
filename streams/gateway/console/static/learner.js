// The learner over time: the weights of a level's experts, what its guard holds, its losses.
import { line } from "../web/charts.js";
import { data, ready, t } from "../web/page.js";
import { renews } from "./renewing.js";

const place = (id) => document.getElementById(id);
const chosen = place("level");
let course = {};
let marks = [];
let limits = {};

function take(page) {
  course = data("course", { levels: course }, page).levels;
  marks = data("marks", marks, page);
  limits = data("limits", limits, page);
}

/** The time at which a level had so many lessons, between two points; null before the first. */
function timeOf(level, lesson) {
  const after = level.lessons.findIndex((each) => each >= lesson);
  if (after <= 0) return after === 0 && level.lessons[0] === lesson ? level.times[0] : null;
  const [before, now] = [level.lessons[after - 1], level.lessons[after]];
  const part = (lesson - before) / (now - before);
  return level.times[after - 1] + part * (level.times[after] - level.times[after - 1]);
}

/** Marks as lines from the bottom to the top of a chart. */
function standing(name, level, kinds, top) {
  const at = marks.filter(([each, kind]) => each === name && kinds.includes(kind)).map(([, , lesson]) => timeOf(level, lesson));
  return at.filter((x) => x !== null).sort((a, b) => a - b).flatMap((x) => [[x, 0], [x, top], [x, null]]);
}

const NONE = { times: [], lessons: [], weights: {}, loss: [], on: [], evidence: [] };

function series(name) {
  const level = course[name] ?? NONE;
  const over = (values) => level.times.map((x, at) => [x, values[at] ?? null]);
  const limit = limits[name];
  const held = over(level.evidence);
  return {
    weights: [
      ...Object.entries(level.weights).map(([expert, values]) => ({ name: expert, values: over(values.length === level.times.length ? values : []).filter(([, y]) => y !== null) })),
      { name: t("console.js.learner.drift"), values: standing(name, level, ["drift"], 1), objective: true },
    ],
    guard: [
      { name: t("console.js.learner.evidence"), values: held },
      { name: t("console.js.learner.switches"), values: limit === null || limit === undefined || held.length === 0 ? [] : [[level.times[0], limit], [level.times.at(-1), limit]], objective: true },
    ],
    // Of no lesson there is no loss.
    loss: [{ name: t("console.js.learner.loss"), values: over(level.loss).filter((_, at) => level.lessons[at] > 0) }],
  };
}

function charts() {
  const first = series(chosen.value);
  const drawn = {
    weights: line(place("chart-weights"), { series: first.weights, unit: "percent", min: 0, max: 1 }),
    guard: line(place("chart-guard"), { series: first.guard }),
    loss: line(place("chart-loss"), { series: first.loss, legend: false }),
  };
  return () => {
    for (const [name, values] of Object.entries(series(chosen.value))) drawn[name].show(values);
  };
}

if (chosen === null) {
  // Nothing is learned yet; with the first lessons comes another page.
  renews((page) => page.getElementById("level") !== null && location.reload());
} else {
  take(document);
  const draw = charts();
  chosen.addEventListener("change", draw);
  ready();
  renews((page) => {
    take(page);
    draw();
  });
}
