// The console's figures: those of the last minutes once, then each second's. All pages of the console take them here.
import { call } from "../web/api.js";
import { format } from "../web/format.js";
import { live } from "../web/live.js";
import { announce, el, icon, t } from "../web/page.js";
import { pressing } from "../web/pressing.js";

const KEPT = 600;

/** Two points further apart have seconds between them of which nothing is known. */
const GAP_MS = 5_000;
const BEGIN_AGAIN_MS = 3_000;
/** Figures come each second, also where store and broker don't answer. */
const SILENT_MS = 20_000;

/** `draw(figures, points, objective)` is called with each second's figures; points: the seconds of the last minutes. */
export async function follow(draw) {
  const points = [];
  let objective = [0, 0];
  let begun = false;
  let beginning = 0;
  const take = (figures) => {
    if (points.length === 0 || points.at(-1).at < figures.point.at) points.push(figures.point);
    if (points.length > KEPT) points.shift();
    if (pressing()) return; // the next second's are drawn
    showAlarms(figures.alarms);
    draw(figures, points, objective);
  };
  const begin = async () => {
    clearTimeout(beginning);
    try {
      const told = await call("GET", "/console/figures");
      objective = told.objective;
      points.splice(0, points.length, ...told.points);
      begun = true;
      if (told.figures !== null) take(told.figures);
    } catch {
      // The stream is there all the same: the last minutes are asked for again.
      beginning = setTimeout(begin, BEGIN_AGAIN_MS);
    }
  };
  // Also after a time without the stream: what happened meanwhile is read anew.
  live("/console/live", {
    on: { figures: (figures) => begun && take(figures) },
    state: (name) => {
      if (name === "open") begin();
      else clearTimeout(beginning);
    },
    silentMs: SILENT_MS,
  });
}

/** What to draw of points: [time, number], and no line over a time of which nothing is known. */
export function over(points, pick) {
  return points.flatMap((point, place) => {
    const before = points[place - 1];
    const gap = before !== undefined && point.at - before.at > GAP_MS ? [[before.at + 1, null]] : [];
    return [...gap, [point.at, pick(point)]];
  });
}

function showAlarms(alarms) {
  const list = document.getElementById("alarms");
  if (list === null) return;
  const told = alarms.length > 0 ? alarms : [{ kind: "none", gravity: "good", values: {} }];
  const texts = told.map((each) => t(`console.js.alarm.${each.kind}`, each.values));
  // A list that says the same is left alone: somebody may read it just now.
  const same = [...list.children].map((each) => each.lastElementChild.textContent);
  if (same.length === texts.length && same.every((text, place) => text === texts[place])) return;
  const kept = new Map([...list.children].map((each) => [each.dataset.key, each]));
  const keys = told.map((each) => `${each.kind} ${each.values.worker ?? each.values.which ?? each.values.what ?? ""}`);
  sayAloud(document.getElementById("alarms-said"), keys, texts);
  list.replaceChildren(
    ...told.map((each, place) => {
      const key = keys[place];
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

/** Read out where alarms came or went, and not for a number in them. */
function sayAloud(place, keys, texts) {
  const now = [...keys].sort().join("\n");
  if (place.dataset.keys === now) return;
  place.dataset.keys = now;
  announce(place, texts.join(" "));
}

/** Fills a table: `columns` are texts, or [text, "figure"]; `rows` are lists of what stands in the cells. What says the
 *  same as before is left alone: the focus may be in it, or a selection. */
export function fill(table, columns, rows) {
  const kinds = columns.map((column) => (Array.isArray(column) ? column[1] : null));
  if (table.tHead.rows.length === 0) {
    table.tHead.append(el("tr", {}, columns.map((column, place) => el("th", { scope: "col", class: kinds[place] }, Array.isArray(column) ? column[0] : column))));
  }
  const body = table.tBodies[0];
  const made = rows.map((row) => el("tr", {}, row.map((cell, place) => (place === 0 ? el("th", { scope: "row" }, cell) : el("td", { class: kinds[place] }, cell)))));
  made.forEach((row, place) => {
    const old = body.rows[place];
    if (old === undefined) body.append(row);
    else [...row.cells].forEach((cell, k) => old.cells[k].isEqualNode(cell) || old.cells[k].replaceWith(cell));
  });
  while (body.rows.length > made.length) body.rows[made.length].remove();
  table.hidden = rows.length === 0;
}

export function badge(text, kind) {
  return el("span", { class: `badge ${kind}` }, text);
}

/** A time in words: "5 min". */
export function duration(seconds) {
  if (seconds < 120) return t("console.js.seconds", { n: format(seconds) });
  if (seconds < 7200) return t("console.js.minutes", { n: format(seconds / 60) });
  if (seconds < 172_800) return t("console.js.hours", { n: format(seconds / 3600) });
  return t("console.js.days", { n: format(seconds / 86_400) });
}
