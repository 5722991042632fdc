// Parts of a page that the server renders, as they are now: while the page is seen, it is fetched again and again, and a
// part that differs takes the place of the old one.
//   data-renews: such a part; its id is the same in both.
import { formatAll } from "../web/format.js";
import { ready } from "../web/page.js";
import { pressing } from "../web/pressing.js";

const EVERY_MS = 5_000;
const FOCUSABLE = "a[href], button, summary, select, [tabindex]";
/** As the server made them: what a module wrote into them since, e.g. times in the reader's language, is no change. */
const made = new Map();

const parts = (of) => [...of.querySelectorAll("[data-renews]")];

/** What an element with the focus is found by in the new part: what it does or leads to, or else its place. */
function same(element, old, now) {
  const { post } = element.dataset;
  const found = post ? `[data-post="${CSS.escape(post)}"]` : element.id ? `#${CSS.escape(element.id)}` : null;
  if (found !== null) return now.querySelector(found);
  const place = [...old.querySelectorAll(FOCUSABLE)].indexOf(element);
  return now.querySelectorAll(FOCUSABLE)[place] ?? null;
}

function replace(old, fresh) {
  const now = document.importNode(fresh, true);
  ready(now);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const to = focused && (same(focused, old, now) ?? now);
  const opened = [...old.querySelectorAll("details")].map((each) => each.open);
  const scrolled = [...old.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  now.querySelectorAll("details").forEach((each, place) => {
    each.open = opened[place] ?? each.open;
  });
  old.replaceWith(now);
  now.querySelectorAll(".scroll").forEach((each, place) => each.scrollTo(...(scrolled[place] ?? [0, 0])));
  formatAll(now);
  if (to === now) now.tabIndex = -1;
  to?.focus({ preventScroll: true });
  now.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
}

/** Whether the reader presses something, is asked something, or waits for what a button does. */
export const occupied = () => pressing() || document.querySelector("dialog[open], [aria-busy=true]") !== null;

/** Nothing is taken from under a reader who is occupied, or has marked it. */
function busy(part) {
  const marked = getSelection();
  return occupied() || (!marked.isCollapsed && marked.containsNode(part, true));
}

/** Brings the parts up to date now; gives the page as the server has it, null where it does not answer. */
async function renewed() {
  let text;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) return null;
    text = await answer.text();
  } catch {
    return null; // what is shown stays
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const old of parts(document)) {
    const fresh = page.getElementById(old.id);
    if (fresh === null || busy(old) || made.get(old.id)?.isEqualNode(fresh)) continue;
    made.set(old.id, fresh);
    replace(old, fresh);
  }
  return page;
}

/** Renews the parts for as long as the page is there. `told(page)` is given the page as the server has it. */
export function renews(told = () => {}, everyMs = EVERY_MS) {
  setTimeout(async () => {
    const page = document.hidden ? null : await renewed();
    renews(told, everyMs);
    if (page !== null) told(page);
  }, everyMs);
}
