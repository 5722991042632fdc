// One experiment: its intervals over time, and what may be done with it.
import { intervals, line } from "../web/charts.js";
import { data, t } from "../web/page.js";
import { wire } from "./doing.js";

wire();

const ROOM = 1.15;
const course = data("course", null);
if (course !== null) {
  const { times } = course;
  const of = (values) => times.map((x, at) => [x, values[at]]).filter(([, y]) => y !== null);
  const flat = (height) => [[times[0], height], [times.at(-1), height]];
  const spread = (each) => times.map((x, at) => [x, each.low[at], each.lift[at], each.high[at]]).filter(([, low]) => low !== null);
  // Early intervals are so wide that they would hide the others.
  const range = (values) => {
    const late = values.slice(Math.floor(values.length / 4));
    const low = Math.min(-0.01, ...late.map(([, each]) => each));
    const high = Math.max(0.01, ...late.map((each) => each.at(-1)));
    return late.length === 0 ? {} : { min: low * ROOM, max: high * ROOM };
  };
  course.lifts.forEach((each, at) => {
    const values = spread(each);
    intervals(document.getElementById(`chart-lift-${at}`), {
      series: [{ name: each.arm, values }], unit: "percent", zero: 0, legend: false, ...range(values),
    });
  });
  course.guardrails.forEach((each, at) => {
    line(document.getElementById(`chart-guard-${at}`), {
      unit: "percent",
      series: [
        { name: t("console.js.experiment.lift"), values: of(each.lift) },
        { name: t("console.js.experiment.bound"), values: of(each.bound) },
        { name: t("console.js.experiment.stopped"), values: of(each.bound).length ? flat(each.worst) : [], objective: true },
      ],
    });
  });
  const mismatch = document.getElementById("chart-mismatch");
  if (mismatch !== null) {
    line(mismatch, {
      series: [
        { name: t("console.js.experiment.evidence"), values: of(course.mismatch) },
        { name: t("console.js.experiment.blocked"), values: flat(course.mismatch_limit), objective: true },
      ],
    });
  }
  const votes = document.getElementById("chart-votes");
  if (votes !== null) {
    const values = times.map((x, at) => [x, course.low[at], course.share[at], course.high[at]]).filter(([, low]) => low !== null);
    intervals(votes, { series: [{ name: t("console.js.experiment.votes"), values }], unit: "percent", zero: 0.5, min: 0, max: 1, legend: false });
  }
}
