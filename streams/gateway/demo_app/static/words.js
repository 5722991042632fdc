// What the gateway answers, in the reader's words.
import { data, el, t } from "../web/page.js";
import { item } from "./catalog.js";

/** A text of this room's `js` table. */
export const say = (key, values) => t(`demo.js.${key}`, values);

/** Whether there is such a text: what a newer gateway may name has none. */
export const can = (key) => data("texts", {})[`demo.js.${key}`] !== undefined;

/** A text whose placeholders become elements: phrase("reason.after", {title: el("em", {}, "Heat")}). */
export function phrase(key, nodes) {
  const marks = Object.fromEntries(Object.keys(nodes).map((name) => [name, `\u0001${name}\u0001`]));
  return say(key, marks).split("\u0001").map((part, k) => (k % 2 ? nodes[part] : part));
}

/** Why an item is there, as nodes. `text` of "shares" is the graph's own, and is in English. */
export function reason({ kind, item_id: of, text }) {
  const known = can(`reason.${kind}`) ? kind : "for_you";
  if (of === null && can(`reason.${known}_alone`)) return [say(`reason.${known}_alone`)];
  const title = el("em", {}, of === null ? "" : item(of).title);
  return phrase(`reason.${known}`, { title, text: el("span", { lang: "en" }, text ?? "") });
}

/** What brought an item. */
export const source = (name) => (can(`source.${name}`) ? say(`source.${name}`) : name);

/** A part of a score. */
export const part = (name) => (can(`part.${name}`) ? say(`part.${name}`) : say("part.task", { name }));

/** How a slate was made. The rung alone does not say it: an arm may ask for no model, on whatever rung. */
export function made({ model, rung }) {
  const ranked = rung === "fewer" ? "fewer" : "full";
  return say(`made.${rung === "popular" || rung === "empty" ? rung : model ? ranked : "counters"}`);
}

/** An arm as slates name it: "ranking=model" is arm model of the experiment ranking. */
export function arm(text) {
  if (text === "default") return say("arm.default");
  return text.split(",").map((each) => {
    const [experiment, name] = each.split("=");
    return name === undefined ? each : say("arm.of", { experiment: experiment.replace(/~\d+$/, ""), arm: name });
  }).join(" · ");
}
