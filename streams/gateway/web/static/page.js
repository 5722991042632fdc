// What every page's modules use: the page's data and texts, elements, toasts, the theme.
import { formatAll } from "./format.js";

const read = new Map();

/** Data that a page brought: `page_data(name, value)` of its template. `otherwise` where it brought none. `page`: this
 *  one, whose data is read once, or one that was fetched. */
export function data(name, otherwise, page = document) {
  const own = page === document;
  if (own && read.has(name)) return read.get(name);
  const found = page.getElementById(`data-${name}`);
  if (found === null) return otherwise;
  const value = JSON.parse(found.textContent);
  if (own) read.set(name, value);
  return value;
}

/** A text of a table `js` in the reader's language, its placeholders filled: t("web.js.now"). `{n}` is the value n, and
 *  `{n:item|items}` the word that goes with it: of one, and of any other number. */
export function t(key, values = {}) {
  const text = data("texts", {})[key];
  if (text === undefined) throw new Error(`no text ${key}`);
  return text.replace(/\{(\w+)(?::([^{}|]*)\|([^{}|]*))?\}/g, (_, name, one, more) => {
    const value = String(values[name]);
    if (one === undefined) return value;
    return value === "1" ? one : more;
  });
}

/** An element. Children are elements or texts; a text stays a text, whatever is in it.
 *  `onclick` and the like take functions; true sets an attribute without a value, false and null leave it out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((each) => each !== null && each !== undefined));
  return made;
}

/** A picture of web/icons.svg, or of another file of pictures: icon("check"). */
export function icon(name, file = new URL("./icons.svg", import.meta.url)) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${file.pathname ?? file}#${name}`);
  made.append(use);
  return made;
}

const READ_OUT_MS = 10_000;

/** Has a screen reader read out a text; `place` is a hidden element with role "status". Nobody finds it there later,
 *  beside what it repeats. */
export function announce(place, text) {
  place.textContent = text;
  setTimeout(() => place.textContent === text && place.replaceChildren(), READ_OUT_MS);
}

const PICTURES = { good: "check", bad: "warning", plain: "clock" };

/** Says something for some seconds; screen readers read it out. kind: "good", "bad", "plain". */
export function toast(text, kind = "plain", seconds = kind === "bad" ? 20 : 6) {
  const close = el("button", { type: "button", class: "quiet square", "aria-label": t("web.js.close") }, icon("cross"));
  const body = el("div", { class: "words" }, ...String(text).split("\n").map((line) => el("p", {}, line)));
  const made = el("div", { class: `toast ${kind}` }, icon(PICTURES[kind]), body, close);
  close.addEventListener("click", () => made.remove());
  document.getElementById("toasts").append(made);
  setTimeout(() => made.remove(), seconds * 1000);
  return made;
}

/** What waited for its module works from now on: elements with `data-awaits`, which the server sends disabled. */
export function ready(of = document) {
  for (const each of of.querySelectorAll("[data-awaits]")) {
    each.disabled = false;
    delete each.dataset.awaits;
  }
  document.dispatchEvent(new Event("ready"));
}

/** Opens a `dialog` of web/parts.html; true where the reader says yes. */
export function asked(id) {
  const dialog = document.getElementById(id);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.querySelector(".no").addEventListener("click", () => dialog.close("no"), { once: true });
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const THEMES = ["system", "light", "dark"];

function themeSwitch() {
  const button = document.getElementById("theme-switch");
  if (button === null) return;
  const root = document.documentElement;
  const say = () => {
    const name = t(`web.js.theme.${root.dataset.theme ?? "system"}`);
    button.querySelector("span").textContent = name;
    button.title = name;
  };
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem("headrace-theme", next);
    } catch {
      // It then holds for this page alone.
    }
    say();
    document.dispatchEvent(new Event("themechange"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.dispatchEvent(new Event("themechange"));
  });
  say();
  button.hidden = false;
}

/** On a phone the navigation is wider than the window: the page that is open is in sight. */
function navigation() {
  const here = document.querySelector(".sides [aria-current]");
  const bar = here?.closest(".sides");
  if (!bar) return;
  const [inner, outer] = [here.getBoundingClientRect(), bar.getBoundingClientRect()];
  bar.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
}

navigation();
themeSwitch();
formatAll(document);
setInterval(() => formatAll(document, "time[data-format=ago]"), 1000);
