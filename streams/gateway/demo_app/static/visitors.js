// Who the visitor is: a new one, whose id this browser keeps, or one of the users who are there.
import { call, Problem } from "../web/api.js";
import { el, icon } from "../web/page.js";
import { say } from "./words.js";

const KEPT = "headrace-demo-visitor";
const SHOWN = 24;
/** No user of a dataset has such an id: so visitors and simulated users do not meet in one history. */
const PREFIX = "visitor-";

/** An id with a slash, "." and ".." have no address. */
const HAS_FEED = /^(?!\.{1,2}$)[^/]{1,128}$/;

export const isVisitor = (id) => id.startsWith(PREFIX);

/** A name for people: "New visitor 3f2a", "User 655". */
export function called(id) {
  return isVisitor(id) ? say("visitor.new", { name: id.slice(PREFIX.length, PREFIX.length + 4) }) : say("visitor.user", { name: id });
}

/** 96 random bits as hexadecimal digits. `crypto.randomUUID` is there on secure addresses alone. */
export function unique() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Who this page is for: whom this step of the tab's history was for (so also after a reload, and with "back"), whom the
 *  address names (?user=655), who was last in this tab, or else in this browser; else a new visitor. */
export function current() {
  const user = new URLSearchParams(location.search).get("user");
  return history.state?.visitor ?? (user && HAS_FEED.test(user) ? user : null) ?? kept() ?? PREFIX + unique();
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT);
  } catch {
    return null; // Storage is off: the visitor is new each time.
  }
}

/** Notes who the page is for now: another tab keeps its own visitor, a new one begins with the last that was chosen. */
export function keep(id) {
  history.replaceState({ visitor: id }, "");
  for (const link of document.querySelectorAll("a[hreflang]")) link.href = named(link.href, id);
  try {
    sessionStorage.setItem(KEPT, id);
    localStorage.setItem(KEPT, id);
  } catch {
    // It then holds for this page alone.
  }
}

/** An address of this page that names a user. Of a visitor it says nothing: nobody else is to be the same one. */
function named(address, id) {
  const made = new URL(address, location.href);
  if (isVisitor(id)) made.searchParams.delete("user");
  else made.searchParams.set("user", id);
  return made.href;
}

/** The dialog in which to choose. `chosen(id)` is told. */
export class Visitors {
  constructor(dialog, chosen) {
    this.dialog = dialog;
    this.chosen = chosen;
    this.list = dialog.querySelector("ul");
    this.trouble = dialog.querySelector(".trouble");
    dialog.querySelector("#visitor-new").addEventListener("click", () => this.#choose(PREFIX + unique()));
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const id = dialog.querySelector("input").value.trim();
      if (HAS_FEED.test(id)) this.#choose(id);
    });
    dialog.querySelector("#visitor-close").addEventListener("click", () => dialog.close());
  }

  async open(present) {
    this.dialog.showModal();
    this.list.replaceChildren(...Array.from({ length: 6 }, () => el("li", { class: "ghost", "aria-hidden": "true" })));
    this.trouble.hidden = true;
    try {
      const { users } = await call("GET", `/v1/users?n=${4 * SHOWN}`);
      const others = users.filter((each) => !isVisitor(each.user_id)).slice(0, SHOWN);
      this.list.replaceChildren(...others.map((each) => this.#row(each, present)));
      this.trouble.hidden = others.length > 0;
      this.trouble.textContent = say("visitor.none");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.list.replaceChildren();
      this.trouble.hidden = false;
      this.trouble.textContent = error.words;
    }
  }

  #row({ user_id: id, profile }, present) {
    const facts = Object.entries(profile ?? {}).filter(([name]) => !/zip|post/.test(name)).slice(0, 3).map(([, value]) => value);
    const here = id === present;
    const button = el("button", { type: "button", class: "user", "aria-current": here ? "true" : null }, icon("user"), el("span", {}, el("strong", {}, called(id)), el("small", {}, facts.join(" · "))));
    button.addEventListener("click", () => this.#choose(id));
    return el("li", {}, button);
  }

  #choose(id) {
    this.dialog.close();
    history.pushState({ visitor: id }, "", named(location.href, id));
    this.chosen(id);
  }
}
