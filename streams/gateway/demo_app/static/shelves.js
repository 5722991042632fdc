// Rows of items beside the feed: what is popular now, a category, what a search finds, what is like an item.
import { call, Problem } from "../web/api.js";
import { released } from "../web/pressing.js";
import { item, know } from "./catalog.js";
import { cards, named, places } from "./cards.js";
import { arrange } from "./flip.js";
import { say } from "./words.js";

/** A section with a heading, a row of cards, and a line for what there is to say. */
export class Shelf {
  constructor(section, does) {
    this.section = section;
    this.list = section.querySelector("ul");
    this.told = section.querySelector(".told");
    this.title = section.querySelector("h2, h3");
    this.cards = cards(does);
    this.asked = 0;
  }

  /** Show what `asking()` answers; the last one asked for stands. `more`: fields of its places.
   *  `words(answer)`: what to say of it. Gives the answer, or null where it failed or another one was asked for. */
  async show(asking, more = {}, words = () => "", empty = say("shelf.empty")) {
    const turn = (this.asked += 1);
    this.section.hidden = false;
    this.section.setAttribute("aria-busy", "true");
    try {
      const answer = await asking();
      await know(named(answer));
      await released();
      if (turn !== this.asked) return null;
      arrange(this.list, places(answer, item, more), this.cards);
      this.told.textContent = answer.items.length === 0 ? empty : words(answer);
      return answer;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (turn === this.asked) {
        this.list.replaceChildren();
        this.told.textContent = error.words;
      }
      return null;
    } finally {
      if (turn === this.asked) this.section.removeAttribute("aria-busy");
      this.told.hidden = this.told.textContent === "";
    }
  }

  hide() {
    this.asked += 1;
    this.section.hidden = true;
    this.list.replaceChildren();
  }
}

const user = (id) => `/v1/users/${encodeURIComponent(id)}`;

export const trending = (n) => call("GET", `/v1/trending?n=${n}`);

export const similar = (id, who, n) =>
  call("GET", `/v1/items/${encodeURIComponent(id)}/similar?n=${n}&user_id=${encodeURIComponent(who)}`);

export const search = (asked, who, n) => call("POST", "/v1/search", { ...asked, user_id: who, n });

/** What an arm would show to a user; nothing of it counts as shown. */
export const preview = (arm, who, n) => call("POST", `${user(who)}/feed`, { n, arm });

/** More of what may come, so that its titles are known before it comes. */
export const ahead = (who) => call("POST", `${user(who)}/feed`, { n: 200, impression: false, surface: "ahead" });
