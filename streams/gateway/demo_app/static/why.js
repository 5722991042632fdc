// Why an item is where it is: in words first, the numbers behind them. All of it is computed by the ranker, exactly.
import { call, Problem } from "../web/api.js";
import { el } from "../web/page.js";
import { item, know } from "./catalog.js";
import { arm, can, made, part, phrase, say, source } from "./words.js";

const HISTORY = 6;
const DIGITS = new Intl.NumberFormat(document.documentElement.lang || "en", { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: "exceptZero" });
const EXACT = new Intl.NumberFormat(document.documentElement.lang || "en", { minimumFractionDigits: 6, maximumFractionDigits: 6 });

/** The explanation of a place: {slate, place}. A slate that a ranker made is explained as it was made. A worker's
 *  slate is ranked again, its own items as candidates, with the state and the counters of now. */
async function explained(place, who, feed) {
  let id = place.slateId;
  if (place.surface === "feed") {
    const items = feed.items.map((each) => each.item_id);
    id = (await call("POST", "/v1/rank", { user_id: who, items, explain: true, impression: false })).slate_id;
  }
  const told = await call("GET", `/v1/slates/${encodeURIComponent(id)}/explanation?places=20&history=${HISTORY}`);
  const found = told.items.find((each) => each.item_id === place.key);
  await know(found?.history.map((each) => each.item_id) ?? []);
  return { told, found };
}

/** Fills `into` with why a place is there. What it has in words is read out; the numbers below it are not. */
export async function explain(into, place, who, feed) {
  const words = into.querySelector(".in-words");
  words.replaceChildren(el("p", { class: "none" }, say("why.asking")));
  try {
    const { told, found } = await explained(place, who, feed);
    if (found === undefined) words.replaceChildren(el("p", {}, say("why.gone")));
    else written(words, place, told, found);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    words.replaceChildren(el("p", { class: "none" }, error.words));
  }
}

function written(words, place, told, { score, contributions, history }) {
  const traces = history.filter((each) => each.value > 0.0005);
  words.replaceChildren(...sentences(place, told, contributions, traces).map((each) => el("p", {}, ...each)));
  words.after(...[
    bars(say("why.parts"), contributions.map((each) => [part(each.name), each.value])),
    traces.length > 0 && bars(say("why.traces"), traces.map((each) => [item(each.item_id).title, each.value])),
    numbers(told, score, contributions, history),
  ].filter(Boolean));
}

/** What a person would say. */
function sentences(place, told, contributions, traces) {
  const ordered = contributions.some((each) => each.name === "place");
  if (ordered) return [phrase("why.by_place", { source: el("em", {}, source(place.source)) })];
  const all = [phrase("why.found_by", { source: el("em", {}, source(place.source)) })];
  const best = contributions.reduce((a, b) => (b.value > a.value ? b : a), { value: -Infinity });
  if (can(`because.${best.name}`)) all.push([say(`because.${best.name}`)]);
  const [first, second] = traces.map((each) => el("em", {}, item(each.item_id).title));
  if (second !== undefined) all.push(phrase("why.two_traces", { first, second }));
  else if (first !== undefined) all.push(phrase("why.one_trace", { first }));
  else all.push([say("why.no_trace")]);
  if (contributions.some((each) => each.name === "aversion" && each.value < 0)) all.push([say("why.averted")]);
  return all;
}

/** Bars from a middle line: to the right what adds, to the left what takes away. */
function bars(title, rows) {
  const most = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-9);
  const list = rows.map(([name, value]) => {
    const bar = el("span", { class: `bar ${value < 0 ? "minus" : "plus"}`, "aria-hidden": "true" }, el("span", {}));
    bar.firstElementChild.style.inlineSize = `${(100 * Math.abs(value)) / most}%`;
    return el("li", {}, el("span", { class: "name" }, name), bar, el("span", { class: "value" }, DIGITS.format(value)));
  });
  return el("div", { class: "bars" }, el("h4", {}, title), el("ul", { role: "list" }, ...list));
}

function numbers(told, score, contributions, history) {
  const row = (name, value) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "figure" }, EXACT.format(value)));
  const of = (each) => row(say("why.without", { title: item(each.item_id).title }), -each.value);
  const facts = [[say("why.slate"), told.slate_id], [say("why.model"), told.model || "–"], [say("why.made"), made(told)], [say("why.arm"), arm(told.arm)]];
  return el("details", { class: "exact" },
    el("summary", {}, say("why.numbers")),
    el("table", { "aria-label": say("why.numbers") }, el("tbody", {}, ...contributions.map((each) => row(part(each.name), each.value)), row(say("why.score"), score), ...history.map(of))),
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
  );
}
