// The demo application: puts its parts together, and lets each act move the feed.
import { Problem } from "../web/api.js";
import { ready, toast } from "../web/page.js";
import { Acts } from "./acts.js";
import { Arms } from "./arms.js";
import { categories, item, know } from "./catalog.js";
import { amount, named } from "./cards.js";
import { Details } from "./details.js";
import { Feed, LATE_MS } from "./feed.js";
import { History } from "./history.js";
import { Latencies, now } from "./latency.js";
import { Results } from "./results.js";
import { SearchField } from "./search.js";
import { ahead, Shelf, trending } from "./shelves.js";
import { called, current, keep, Visitors } from "./visitors.js";
import { say } from "./words.js";

const TRENDING = 16;
const TRENDING_EVERY_MS = 15_000;
const AGAIN_MS = 2_000;
const CATEGORIES = 18;
const LOOK_EVERY_MS = 250;

const part = (id) => document.getElementById(id);
const latencies = new Latencies();
const history = new History(part("history"), latencies);
const said = part("said");
let who = current();
let acts;

/** What can be done with a place, wherever it is shown. */
const does = {
  open(place, card) {
    acts.action(place, "click");
    show(place, card);
  },
  like: (place) => acts.action(place, "like"),
  dislike(place) {
    acts.action(place, "dislike");
    if (details.open && details.place.key === place.key) details.close();
  },
  why: (place, card) => show(place, card, true),
  async review(place, stars, text) {
    if (await acts.review(place, stars, text)) toast(say("review_sent"), "good", 3);
  },
  category: (name) => choose(name),
};

const details = new Details(part("details"), does);
const feed = new Feed(part("feed"), latencies, does, changed, standing);
const shelf = new Shelf(part("found"), does);
const results = new Results(shelf, () => who, understood);
const popular = new Shelf(part("trending"), { open: does.open, like: does.like });
const arms = new Arms(part("arms"), { open: does.open, why: does.why });
const visitors = new Visitors(part("visitors"), become);
new SearchField(part("search"), find, pick);

function show(place, card, why = false) {
  details.show(place, who, feed.feed, card?.querySelector(`[data-part=${why ? "why" : "open"}]`), why);
}

/** A feed is on the screen. */
function changed(came, samples, change, { first, surprising }) {
  for (const sample of samples) {
    history.seen(sample);
    document.dispatchEvent(new CustomEvent("measured", { detail: sample }));
  }
  late(false);
  if (!first) said.textContent = Feed.words(came, samples, change);
  if (!arms.section.hidden) arms.refresh(who);
  if (first) chips();
  else if (surprising) soon(titles);
}

/** How the stream stands. Without any network a gateway on this very machine still answers: then nothing is wrong. */
function standing(name) {
  part("offline").hidden = navigator.onLine || name === "open";
}

function become(id) {
  who = id;
  keep(who);
  acts = new Acts(who, latencies, (act, state) => history.told(act, state));
  part("visitor").querySelector("span").textContent = called(who);
  history.clear();
  late(false);
  if (details.open) details.close();
  shelf.hide();
  part("search").querySelector("input").value = "";
  feed.follow(who);
  if (!arms.section.hidden) arms.open(who);
  said.textContent = say("told.visitor", { name: called(who) });
  titles();
}

/** Once nothing else is to be done. */
const soon = globalThis.requestIdleCallback ?? ((doing) => setTimeout(doing, AGAIN_MS));

/** Titles of what may come, so that a new feed need not wait for them. */
async function titles() {
  try {
    await know(named(await ahead(who)));
    chips();
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // without a ranker the feed comes all the same
  }
}

function chips() {
  const box = part("categories");
  const names = categories(CATEGORIES);
  const shown = [...box.children].map((each) => each.textContent);
  if (names.join("\n") === shown.join("\n")) return;
  const chosen = box.querySelector("[aria-pressed=true]")?.textContent;
  box.replaceChildren(...names.map((name) => {
    const chip = document.createElement("button");
    Object.assign(chip, { type: "button", className: "chip", textContent: name });
    chip.setAttribute("aria-pressed", String(name === chosen));
    chip.addEventListener("click", () => (chip.getAttribute("aria-pressed") === "true" ? choose("") : choose(name)));
    return chip;
  }));
}

function pressed(name) {
  for (const chip of part("categories").children) chip.setAttribute("aria-pressed", String(chip.textContent === name));
}

/** A category for this visitor; "" for none. */
function choose(name) {
  pressed(name);
  if (name === "") {
    shelf.hide();
    return;
  }
  results.open({ category: name });
  shelf.section.scrollIntoView({ block: "nearest" });
}

function find(text) {
  pressed("");
  if (text === "") {
    shelf.hide();
    return;
  }
  shelf.title.textContent = say("results", { text });
  results.open({ q: text });
}

/** What the search made of the words. */
function understood({ understood: it, items }) {
  // A search by meaning finds something for any text.
  const by_meaning = items.length > 0 && items.every((each) => each.source === "meaning");
  const parts = [by_meaning ? say("results_meaning") : say("results_n", { n: items.length })];
  if (it?.corrected) parts.push(say("results_corrected", { text: it.corrected }));
  const bounds = price_bounds(it);
  if (bounds !== null) parts.push(it.relaxed ? say("results_relaxed") : bounds);
  if (it?.names?.length) parts.push(say("results_names", { names: it.names.map((each) => each.name).join(", ") }));
  return parts.join(" ");
}

/** What the search read of prices; null where it read none. */
function price_bounds(it) {
  const from = amount(it?.price_from);
  const to = amount(it?.price_to);
  if (from === null) return to === null ? null : say("results_to", { to });
  return to === null ? say("results_from", { from }) : say("results_between", { from, to });
}

/** An item that was chosen by its title. */
async function pick({ item_id: id }) {
  await know([id]);
  const place = { key: id, item: item(id), reason: null, source: null, slateId: null, position: null, surface: "search" };
  acts.action(place, "click");
  show(place, null);
}

/** Says that no feed comes, as long as none does. */
function late(now_late) {
  const box = part("late");
  if (box.hidden === !now_late) return;
  box.hidden = !now_late;
  if (now_late) box.querySelector("p").textContent = say("late");
}

/** Again and again; at first sooner where there was no answer: a ranker that starts has one in a moment. */
async function popularNow(wait = AGAIN_MS) {
  const came = document.hidden ? null : await popular.show(() => trending(TRENDING), { surface: "trending" });
  const next = Math.min(2 * wait, TRENDING_EVERY_MS);
  setTimeout(popularNow, came === null ? wait : TRENDING_EVERY_MS, came === null ? next : AGAIN_MS);
}

const compare = part("compare");
compare.addEventListener("click", () => {
  const open = compare.getAttribute("aria-pressed") !== "true";
  compare.setAttribute("aria-pressed", String(open));
  document.body.toggleAttribute("data-comparing", open);
  if (open) arms.open(who);
  else arms.close();
});
part("visitor").addEventListener("click", () => visitors.open(who));
part("found-close").addEventListener("click", () => {
  pressed("");
  shelf.hide();
});
addEventListener("popstate", () => {
  if (window.history.state === null || current() === who) keep(who); // a step to a part of this page
  else become(current());
});
setInterval(() => late(latencies.late(LATE_MS, now()).length > 0), LOOK_EVERY_MS);
become(who);
ready();
popularNow();
