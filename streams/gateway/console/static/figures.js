// The console's figures: those of the last minutes once, then each second's. All pages of the console take them here.
import { call } from "../web/api.js";
import { live } from "../web/live.js";
import { el, icon, t } from "../web/page.js";

const KEPT = 600;

/** `draw(figures, points, objective)` is called with each second's figures; points: the seconds of the last minutes. */
export async function follow(draw) {
  const points = [];
  let objective = [0, 0];
  let begun = false;
  const take = (figures) => {
    if (points.length === 0 || points.at(-1).at < figures.point.at) points.push(figures.point);
    if (points.length > KEPT) points.shift();
    showAlarms(figures.alarms);
    draw(figures, points, objective);
  };
  const begin = async () => {
    const told = await call("GET", "/console/figures");
    objective = told.objective;
    points.splice(0, points.length, ...told.points);
    begun = true;
    if (told.figures !== null) take(told.figures);
  };
  // Also after a time without the stream: what happened meanwhile is read anew.
  live("/console/live", {
    on: { figures: (figures) => begun && take(figures) },
    state: (name) => {
      if (name !== "open") return;
      begin().catch(() => {});
    },
  });
}

function showAlarms(alarms) {
  const list = document.getElementById("alarms");
  if (list === null) return;
  const told = alarms.length > 0 ? alarms : [{ kind: "none", gravity: "good", values: {} }];
  const texts = told.map((each) => t(`console.js.alarm.${each.kind}`, each.values));
  // A list that says the same is left alone: screen readers would read it out again.
  const same = [...list.children].map((each) => each.lastElementChild.textContent);
  if (same.length === texts.length && same.every((text, place) => text === texts[place])) return;
  const kept = new Map([...list.children].map((each) => [each.dataset.key, each]));
  list.replaceChildren(
    ...told.map((each, place) => {
      const key = `${each.kind} ${each.values.worker ?? each.values.which ?? each.values.what ?? ""}`;
      const known = kept.get(key);
      if (known !== undefined) {
        known.lastElementChild.textContent = texts[place];
        known.className = `alarm ${each.gravity}`;
        return known;
      }
      return el("li", { class: `alarm ${each.gravity}`, "data-key": key }, icon(each.gravity === "good" ? "check" : "warning"), el("span", {}, texts[place]));
    }),
  );
}

/** Fills a table: `columns` are texts, or [text, "figure"]; `rows` are lists of what stands in the cells. */
export function fill(table, columns, rows) {
  const kinds = columns.map((column) => (Array.isArray(column) ? column[1] : null));
  if (table.tHead.rows.length === 0) {
    table.tHead.append(el("tr", {}, columns.map((column, place) => el("th", { scope: "col", class: kinds[place] }, Array.isArray(column) ? column[0] : column))));
  }
  table.tBodies[0].replaceChildren(
    ...rows.map((row) => el("tr", {}, row.map((cell, place) => (place === 0 ? el("th", { scope: "row" }, cell) : el("td", { class: kinds[place] }, cell))))),
  );
  table.hidden = rows.length === 0;
}

export function badge(text, kind) {
  return el("span", { class: `badge ${kind}` }, text);
}
