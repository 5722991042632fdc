// One place of a list: its cover, why it is there, and what can be done with it.
import { el, icon } from "../web/page.js";
import { cover } from "./covers.js";
import { reason, say, source } from "./words.js";

const shown = new WeakMap();
/** Their pictures; what they say is "like_of" and so on. */
const DEEDS = { like: "like", dislike: "dislike", why: "question" };
const PRICE = new Intl.NumberFormat(document.documentElement.lang || "en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** An amount in the catalog's own currency, which nobody names; null where there is none. */
export const amount = (value) => (value === null || value === undefined ? null : PRICE.format(value));

export const price = (item) => amount(item.price);

/** Places of a slate that the gateway answered: of a feed, a search, or another list. */
export function places(answer, item, more = {}) {
  return answer.items.map((each, position) => ({
    key: each.item_id,
    item: item(each.item_id),
    reason: each.reason,
    source: each.source,
    own: each.feed !== "popular",
    slateId: answer.slate_id || null,
    position,
    ...more,
  }));
}

/** All items that an answer names, those of its reasons as well. */
export function named(answer) {
  return answer.items.flatMap((each) => (each.reason?.item_id ? [each.item_id, each.reason.item_id] : [each.item_id]));
}

/** How `arrange` makes and updates cards. `does`: functions "open", "like", "dislike", "why" of a place. */
export function cards(does) {
  return {
    make: () => make(does),
    update,
  };
}

function make(does) {
  const card = el("li", { class: "place" });
  const press = (part) => () => does[part](shown.get(card), card);
  const deeds = Object.keys(DEEDS).filter((part) => does[part]).map((part) =>
    el("button", { type: "button", class: `deed ${part}`, "data-part": part, onclick: press(part) }, icon(DEEDS[part])));
  const open = el("button", { type: "button", class: "open", "data-part": "open", onclick: press("open") });
  card.append(
    el("div", { class: "sheet" }, open, el("span", { class: "move", "aria-hidden": "true" }), el("div", { class: "deeds" }, ...deeds)),
    el("p", { class: "about" }),
    el("p", { class: "reason" }),
    el("p", { class: "origin" }),
  );
  return card;
}

function update(card, place) {
  const before = shown.get(card);
  shown.set(card, place);
  const [facts, why, origin] = card.querySelectorAll(":scope > p");
  const same = (name) => before !== undefined && JSON.stringify(before[name]) === JSON.stringify(place[name]);
  if (!same("item")) {
    card.querySelector(".open").replaceChildren(cover(place.item));
    for (const deed of card.querySelectorAll(".deed")) {
      deed.title = say(`${deed.dataset.part}_of`, { title: place.item.title }); // its name, too
    }
    const told = [place.item.brand, price(place.item)].filter((each) => each !== null);
    facts.replaceChildren(...told.map((each) => el("span", {}, each)));
    facts.hidden = told.length === 0;
  }
  if (!same("reason")) why.replaceChildren(...(place.reason ? reason(place.reason) : []));
  if (!(same("reason") && same("source") && same("made"))) {
    const told_twice = place.reason?.kind === "popular"; // its source says the same
    const parts = [
      place.source && !told_twice && el("span", { class: "source" }, source(place.source)),
      place.made && el("span", { class: "made", title: place.made_words }, place.made_words ? icon("clock") : null, place.made),
    ].filter(Boolean);
    origin.replaceChildren(...parts);
    origin.hidden = parts.length === 0;
  }
  card.classList.toggle("alone", place.alone === true);
}

/** Marks on cards what a change of the list did to them, for as long as it is news. */
export function mark(list, { came, moved }, first) {
  for (const card of list.children) {
    const badge = card.querySelector(".move");
    if (badge === null || card.dataset.leaving !== undefined) continue;
    const up = moved.get(card.dataset.key) ?? 0;
    const fresh = !first && came.includes(card.dataset.key);
    if (up === 0 && !fresh && badge.textContent === "") continue;
    badge.className = `move ${fresh ? "fresh" : up > 0 ? "up" : up < 0 ? "down" : "still"}`;
    badge.textContent = fresh ? say("fresh") : up > 0 ? `↑${up}` : up < 0 ? `↓${-up}` : "";
    if (first || badge.textContent === "") continue;
    for (const motion of badge.getAnimations()) motion.cancel();
    badge.animate([{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], { duration: 4_000, fill: "forwards" });
  }
}
