// The visitor's own feed: it comes by itself, and moves in front of them.
import { live } from "../web/live.js";
import { format } from "../web/format.js";
import { data } from "../web/page.js";
import { released } from "../web/pressing.js";
import { item, know } from "./catalog.js";
import { cards, mark, named, places } from "./cards.js";
import { arrange } from "./flip.js";
import { now, painted } from "./latency.js";
import { arm, made, reason, say } from "./words.js";

/** Each feed that is shown counts as shown. */
const PLACES = data("page").places;
/** After so long without a feed the page says so. */
export const LATE_MS = 2_000;

/** No feed waits longer for the titles of new items: they follow. */
const TITLES_MS = 400;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether nothing of it was ranked for this user. */
const strange = (feed) => feed.items.every((each) => each.feed === "popular");

export class Feed {
  /** `changed(feed, samples, change, how)` is told when a feed is on the screen; samples: of the acts that it is the
   *  first to hold.
   *  how: {first, surprising}: whether it is the user's first, and whether titles had to be asked for.
   *  `standing(name)`: how the stream stands, see web/live.js. */
  constructor(section, latencies, does, changed, standing) {
    this.section = section;
    this.list = section.querySelector("ol");
    this.state = section.querySelector(".state");
    this.took = section.querySelector(".took");
    this.latencies = latencies;
    this.cards = cards(does);
    this.changed = changed;
    this.standing = standing;
    this.stream = null;
    this.feed = null;
  }

  /** Follow this user from now on; what was shown of another one goes. */
  follow(user) {
    this.stream?.close();
    this.feed = null;
    this.latencies.waiting.clear();
    this.unseen = [];
    this.list.replaceChildren();
    this.took.hidden = true;
    this.section.dataset.feed = "waiting";
    this.state.textContent = say("feed.waiting");
    this.user = user;
    this.stream = live(`/v1/users/${encodeURIComponent(user)}/live?n=${PLACES}&impression=true`, {
      on: { feed: (feed) => this.#take(feed, now()) },
      state: this.standing,
    });
  }

  async #take(feed, arrived) {
    const user = this.user;
    this.unseen.push(...this.latencies.ledTo(feed).map((act) => ({ act, feed, arrived })));
    this.coming = feed;
    const isCurrent = () => this.user === user && this.coming === feed; // else a newer one came meanwhile
    const titles = know(named(feed));
    const unknown = await Promise.race([titles, pause(TITLES_MS)]);
    await released();
    if (isCurrent()) this.#show(feed, unknown !== 0);
    if (unknown === undefined && (await titles) > 0 && isCurrent()) arrange(this.list, places(feed, item, { surface: "feed" }), this.cards);
  }

  async #show(feed, surprising) {
    const first = this.feed === null;
    this.feed = feed;
    const samples = this.unseen.map((each) => this.latencies.note(each.act, each.feed, each.arrived, each.arrived));
    const clicked = this.unseen.map(({ act }) => act.clicked);
    this.unseen = [];
    const last = samples.at(-1) ?? null;
    const ms = last?.made == null ? null : format(last.made, "ms");
    const when = ms === null ? {} : { made: ms, made_words: say("made_words", { ms }) };
    const wanted = places(feed, item, { surface: "feed", ...when });
    const change = arrange(this.list, wanted, this.cards);
    this.section.dataset.feed = wanted.length === 0 ? "empty" : strange(feed) ? "cold" : "own";
    this.state.replaceChildren(...this.#words(feed));
    const seen = await painted();
    mark(this.list, change, first);
    samples.forEach((each, k) => {
      each.seen = seen - clicked[k];
    });
    if (last !== null) this.took.textContent = say("feed.took", { ms: format(last.seen, "ms") });
    this.took.hidden = last === null;
    this.changed(feed, samples, change, { first, surprising });
  }

  /** How the feed was made, in a line. */
  #words(feed) {
    if (feed.items.length === 0) return [say("feed.empty")];
    if (strange(feed)) return [say("feed.cold")];
    const how = made(feed);
    return [feed.arm === "default" ? how : `${how} · ${arm(feed.arm)}`];
  }

  /** What a screen reader is told of a change: how much, and what is first now. */
  static words(feed, samples, { came, moved }) {
    const first = feed.items[0];
    const parts = [say("told.changed", { came: came.length, moved: moved.size })];
    if (samples.length > 0) parts.unshift(say("told.after", { ms: format(samples.at(-1).seen, "ms") }));
    if (first !== undefined) {
      const holder = document.createElement("span");
      holder.append(...reason(first.reason));
      parts.push(say("told.first", { title: item(first.item_id).title, reason: holder.textContent }));
    }
    return parts.join(" ");
  }
}
