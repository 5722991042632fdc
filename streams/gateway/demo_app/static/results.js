// What a search finds, or a category: the row of its items, their order, and facets to choose from, with counts.
import { el } from "../web/page.js";
import { amount } from "./cards.js";
import { search } from "./shelves.js";
import { can, say } from "./words.js";

const FOUND = 20;
const FACETS = 4;
const VALUES = 8;
const MOST_RELEVANT = "relevance";

/** `shelf`: where the items are shown. `who()`: for whom. `told(answer)`: what to say of a search. */
export class Results {
  constructor(shelf, who, told) {
    this.shelf = shelf;
    this.who = who;
    this.told = told;
    this.sort = shelf.section.querySelector("select");
    this.box = shelf.section.querySelector(".facets");
    this.sort.addEventListener("change", () => this.#ask());
  }

  /** A query, or a category alone; with no value chosen, the best first. */
  open({ q = "", category = "" }) {
    this.q = q;
    this.of = category;
    this.chosen = new Map();
    this.prices = null;
    this.sort.value = MOST_RELEVANT;
    this.box.replaceChildren();
    this.box.hidden = true;
    return this.#ask();
  }

  async #ask() {
    const { q, of } = this;
    const sort = this.sort.value;
    if (of !== "") this.shelf.title.textContent = sort === MOST_RELEVANT ? say("category", { name: of }) : of;
    const body = { q, sort, surface: q === "" ? "category" : "search", facets: ["*"], facet_values: VALUES, ...this.#filter() };
    const more = { surface: body.surface, ...(q === "" ? {} : { query: q }) };
    // In another order nothing was ranked, and no card says why it is there.
    const silent = sort === MOST_RELEVANT ? {} : { reason: null, source: null };
    const empty = q === "" ? say("shelf.empty") : say("results_none", { text: q });
    const answer = await this.shelf.show(() => search(body, this.who(), FOUND), { ...more, ...silent }, (it) => this.#words(it), empty);
    if (answer !== null) this.#show(answer.facets);
  }

  #words(answer) {
    if (this.q !== "" && this.sort.value === MOST_RELEVANT && this.chosen.size === 0 && this.prices === null) return this.told(answer);
    // By relevance, what has some of the words alone comes behind what is counted.
    return say("results_total", { n: Math.max(answer.total, answer.items.length) });
  }

  #filter() {
    const categories = this.of === "" ? this.#of("categories") : [this.of];
    const named = [...this.chosen].filter(([field, values]) => field.startsWith("attributes.") && values.size > 0);
    const attributes = named.map(([field, values]) => `(${[...values].map((each) => `${quoted(field.slice(11))}:${quoted(each)}`).join(" or ")})`);
    return {
      categories,
      tags: this.#of("tags"),
      ...(attributes.length > 0 ? { attributes: attributes.join(" and ") } : {}),
      ...(this.prices ?? {}),
    };
  }

  #of = (field) => [...(this.chosen.get(field) ?? [])];

  #show(facets) {
    const focused = this.box.contains(document.activeElement) ? document.activeElement.dataset.choice : null;
    const shown = facets.filter(({ field }) => field !== "available" && !(field === "categories" && this.of !== "")).slice(0, FACETS);
    this.box.replaceChildren(...shown.map((each) => this.#facet(each)));
    this.box.hidden = shown.length === 0;
    if (focused !== null) [...this.box.querySelectorAll("button")].find((each) => each.dataset.choice === focused)?.focus();
  }

  #facet({ field, values, ranges }) {
    const name = can(`facet.${field}`) ? say(`facet.${field}`) : field.replace(/^attributes\./, "");
    const chips = field === "price"
      ? ranges.map(({ count, ...bounds }) => this.#range(bounds, count))
      : values.map(({ value, count, chosen }) => chip(`${field}:${value}`, value, count, chosen, () => this.#choose(field, value)));
    return el("div", { class: "facet", role: "group", "aria-label": name }, el("span", { class: "note", "aria-hidden": "true" }, name), el("div", { class: "chips" }, ...chips));
  }

  #range(bounds, count) {
    const { price_from: from, price_to: to } = bounds;
    const chosen = this.prices !== null && this.prices.price_from <= from && to <= this.prices.price_to;
    const words = from === to ? amount(from) : say("facet.range", { from: amount(from), to: amount(to) });
    return chip(`price:${from}`, words, count, chosen, () => {
      this.prices = chosen ? null : bounds;
      this.#ask();
    });
  }

  #choose(field, value) {
    const values = this.chosen.get(field) ?? new Set();
    if (!values.delete(value)) values.add(value);
    if (values.size > 0) this.chosen.set(field, values);
    else this.chosen.delete(field);
    this.#ask();
  }
}

function chip(choice, words, count, chosen, onclick) {
  const made = el("button", { type: "button", class: "chip", "aria-pressed": String(chosen), onclick }, words, el("small", {}, String(count)));
  made.dataset.choice = choice;
  made.setAttribute("aria-label", say("facet.value", { value: words, n: count }));
  return made;
}

/** As an expression over attributes takes a text. */
const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;
