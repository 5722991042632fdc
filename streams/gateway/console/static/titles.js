// What items are called, wherever a page of the console names them by their ids: elements with data-item.
import { call } from "../web/api.js";
import { el } from "../web/page.js";
import { released } from "../web/pressing.js";

const AT_A_TIME = 200;
/** By id; "" for one that was asked for: it has none, or its answer is under way. */
const known = new Map();
let asks = false;

function write(element) {
  const id = element.dataset.item;
  const title = known.get(id) || "";
  const name = el("bdi", {}, title || id);
  if (title) element.replaceChildren(name, " ", el("bdi", { class: "note" }, id));
  else element.replaceChildren(name);
}

/** Asks for all at once that were named in one go. */
async function ask() {
  await null;
  asks = false;
  const ids = [...known].filter(([, title]) => title === null).map(([id]) => id);
  for (let k = 0; k < ids.length; k += AT_A_TIME) {
    const part = ids.slice(k, k + AT_A_TIME);
    for (const id of part) known.set(id, "");
    try {
      const { titles } = await call("POST", "/console/titles", { ids: part });
      for (const [id, title] of Object.entries(titles)) known.set(id, title);
    } catch {
      for (const id of part) known.delete(id); // asked for again when it is named again
    }
    await released();
    for (const each of document.querySelectorAll("[data-item]")) if (known.get(each.dataset.item)) write(each);
  }
}

/** Writes an item's name into an element with data-item: its id, until its title is there. */
export function entitle(element) {
  const id = element.dataset.item;
  if (!known.has(id)) {
    known.set(id, null);
    if (!asks) ask();
    asks = true;
  }
  write(element);
  return element;
}

export const itemName = (id) => entitle(el("span", { "data-item": id }));

export const itemLink = (id) =>
  entitle(el("a", { class: "id", href: `/console/items?${new URLSearchParams({ id })}`, "data-item": id }));

const entitleAll = (of) => of.querySelectorAll("[data-item]").forEach(entitle);
entitleAll(document);
document.addEventListener("renewed", ({ target }) => entitleAll(target));
