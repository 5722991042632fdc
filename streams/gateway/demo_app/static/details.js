// One item beside the feed: what it is, what the visitor thinks of it, what is like it, and why it is there.
import { el, icon } from "../web/page.js";
import { price } from "./cards.js";
import { cover } from "./covers.js";
import { similar, Shelf } from "./shelves.js";
import { say } from "./words.js";
import { explain } from "./why.js";

const LIKE_IT = 8;
/** The new feed goes first. */
const AFTER_FEED_MS = 250;
const OWN = new URL("./icons.svg", import.meta.url);

function star(name, kind, file) {
  const made = icon(name, file);
  made.classList.add(kind);
  return made;
}

/** `does`: "open", "like", "dislike" of places, "category" of a name, "review" (place, stars, text). */
export class Details {
  constructor(aside, does) {
    this.aside = aside;
    this.does = does;
    this.place = null;
    this.body = aside.querySelector(".body");
    this.like_it = new Shelf(aside.querySelector(".like-it"), { open: does.open });
    this.why = aside.querySelector(".why");
    aside.querySelector(".close").addEventListener("click", () => this.close());
    aside.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  get open() {
    return !this.aside.hidden;
  }

  /** Show a place's item. `opener`: where the focus goes back to; `why`: explain it at once. */
  show(place, who, feed, opener, why = false) {
    this.place = place;
    this.opener = opener;
    this.aside.hidden = false;
    this.body.replaceChildren(...this.#about(place));
    this.#explain(place, who, feed, why);
    this.like_it.hide();
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      this.like_it.show(() => similar(place.key, who, LIKE_IT), { surface: "similar" }, () => "", say("details.nothing_like_it"));
    }, AFTER_FEED_MS);
    this.aside.scrollTop = 0;
    this.body.querySelector("h2").focus({ preventScroll: true });
  }

  close() {
    this.aside.hidden = true;
    clearTimeout(this.later);
    this.like_it.hide();
    const back = this.opener?.isConnected ? this.opener : document.querySelector("#feed .open");
    back?.focus({ preventScroll: true });
  }

  #explain(place, who, feed, at_once) {
    const can = Boolean(place.slateId);
    this.why.hidden = !can;
    if (!can) return;
    const told = el("div", { class: "told" }, el("div", { class: "in-words", "aria-live": "polite" }));
    const ask = el("button", { type: "button" }, icon("question"), say("ask_why"));
    ask.addEventListener("click", () => {
      ask.hidden = true;
      explain(told, place, who, feed);
    });
    this.why.replaceChildren(el("h3", {}, say("why.title")), ask, told);
    if (at_once) ask.click();
  }

  #about(place) {
    const { item } = place;
    const { title } = item;
    const chips = item.categories.map((name) => el("button", { type: "button", class: "chip", onclick: () => this.does.category(name) }, name));
    const facts = [item.brand, price(item), ...item.facts].filter((each) => each !== null);
    return [
      el("div", { class: "lead" }, el("div", { class: "picture", "aria-hidden": "true" }, cover(item)),
        el("div", {}, el("h2", { tabindex: "-1" }, title), facts.length > 0 ? el("p", { class: "note" }, facts.join(" · ")) : null, el("div", { class: "chips" }, ...chips))),
      item.text ? el("p", { class: "text" }, item.text) : null,
      this.#opinion(place),
    ].filter(Boolean);
  }

  /** Stars, thumbs and words. */
  #opinion(place) {
    const { title } = place.item;
    const stars = el("fieldset", { class: "stars" }, el("legend", {}, say("rate")));
    for (let value = 1; value <= 5; value += 1) {
      const input = el("input", { type: "radio", name: "stars", value, id: `star-${value}` });
      stars.append(input, el("label", { for: `star-${value}` }, el("span", { class: "hidden" }, say("stars", { n: value })), star("star", "hollow"), star("star-full", "full", OWN)));
    }
    const words = el("textarea", { rows: 3, maxlength: 16384, id: "words", placeholder: say("review_placeholder") });
    const thumb = (name) =>
      el("button", { type: "button", "aria-label": say(`${name}_of`, { title }), onclick: () => this.does[name](place, null) }, icon(name), say(`${name}_short`));
    const form = el("form", { class: "opinion" },
      el("div", { class: "thumbs" }, thumb("like"), thumb("dislike")),
      stars,
      el("label", { for: "words" }, say("review")),
      words,
      el("button", { type: "submit", class: "primary" }, say("review_send")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = form.querySelector("input:checked");
      const text = words.value.trim();
      if (chosen === null && text === "") {
        stars.querySelector("input").focus();
        return;
      }
      this.does.review(place, chosen === null ? null : Number(chosen.value), text);
      words.value = "";
    });
    return form;
  }
}
