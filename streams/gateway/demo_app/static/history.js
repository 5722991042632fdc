// What the visitor did, and how long each feed took: the parts of each way, the middle of all.
import { format } from "../web/format.js";
import { el, icon } from "../web/page.js";
import { say } from "./words.js";

const ROWS = 6;
const BARS = 24;
const ICONS = { click: "play", like: "like", dislike: "dislike", rate: "star", review: "edit" };

export class History {
  constructor(section, latencies) {
    this.latencies = latencies;
    this.figures = section.querySelector(".figures");
    this.median = section.querySelector(".median");
    this.count = section.querySelector(".count");
    this.bars = section.querySelector(".bars");
    this.list = section.querySelector("ol");
    this.legend = section.querySelector(".legend");
    this.none = section.querySelector(".none");
    this.rows = new Map();
    this.#draw();
  }

  clear() {
    this.rows.clear();
    this.list.replaceChildren();
    this.latencies.done = [];
    this.#draw();
  }

  /** An act was sent, accepted or failed. */
  told(act, state) {
    let row = this.rows.get(act.id);
    if (row === undefined) {
      row = el("li", {}, icon(ICONS[act.what] ?? "play"), el("span", { class: "what" }, say(`did.${act.what}`, { title: act.item.title })), el("span", { class: "took" }));
      this.rows.set(act.id, row);
      this.list.prepend(row);
      while (this.list.childElementCount > ROWS) this.list.lastElementChild.remove();
    }
    if (row.dataset.state !== "seen") row.dataset.state = state; // the feed may come before the answer to the event
    if (row.dataset.state === "failed") row.querySelector(".took").textContent = say("did.failed");
    this.none.hidden = true;
  }

  /** Its feed is on the screen. */
  seen(sample) {
    const row = this.rows.get(sample.what.id);
    if (row !== undefined) {
      row.dataset.state = "seen";
      row.querySelector(".took").textContent = format(sample.seen, "ms");
    }
    this.#draw();
  }

  #draw() {
    const { done } = this.latencies;
    this.figures.hidden = done.length === 0;
    this.median.textContent = done.length === 0 ? "–" : format(this.latencies.quantile(0.5), "ms");
    this.count.textContent = done.length === 0 ? say("history.none") : say("history.of", { n: done.length, high: format(this.latencies.quantile(0.99), "ms") });
    this.legend.hidden = done.length === 0;
    const last = done.slice(-BARS);
    const most = Math.max(60, ...last.map((each) => each.seen));
    this.bars.replaceChildren(...last.map((each) => this.#bar(each, most)));
    this.bars.setAttribute("aria-label", done.length === 0 ? say("history.none") : say("history.bars", { all: last.map((each) => format(each.seen, "ms")).join(", ") }));
  }

  /** The way of one: to the gateway, to the made feed, to the screen. */
  #bar({ accepted, made, seen }, most) {
    const first = Math.min(accepted ?? 0, seen);
    const second = Math.min(Math.max((made ?? first) - first, 0), seen - first);
    const parts = [["screen", seen - first - second], ["making", second], ["gateway", first]];
    const bar = el("span", { class: "bar", title: format(seen, "ms") }, ...parts.map(([name]) => el("span", { class: name })));
    parts.forEach(([, ms], k) => {
      bar.children[k].style.blockSize = `${(100 * ms) / most}%`;
    });
    return bar;
  }
}
