// The search field: completions while one types (a combobox as WAI-ARIA describes it), results as a shelf.
import { call, Problem } from "../web/api.js";
import { el, icon } from "../web/page.js";
import { can, say } from "./words.js";

const WAIT_MS = 70;
const MOST = 8;

/** `find(text)` is told what to search for, `pick(completion)` an item that was chosen by its title. */
export class SearchField {
  constructor(form, find, pick) {
    this.form = form;
    this.input = form.querySelector("input");
    this.list = form.querySelector("[role=listbox]");
    this.told = form.querySelector("[role=status]");
    this.find = find;
    this.pick = pick;
    this.at = -1;
    this.found = [];
    this.asked = 0;
    this.input.addEventListener("input", (event) => !event.isComposing && this.#soon());
    this.input.addEventListener("compositionend", () => this.#soon());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("blur", () => this.#close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#search(this.input.value);
    });
    form.addEventListener("reset", () => {
      this.#close();
      this.find("");
    });
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#complete(), WAIT_MS);
  }

  async #complete() {
    const turn = (this.asked += 1);
    const text = this.input.value.trim();
    if (text === "") {
      this.#close();
      return;
    }
    try {
      const { completions } = await call("GET", `/v1/suggest?n=${MOST}&q=${encodeURIComponent(text)}`);
      if (turn !== this.asked || document.activeElement !== this.input) return;
      this.#offer(completions);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#close(); // searching says what is wrong
    }
  }

  #offer(completions) {
    this.found = completions;
    this.at = -1;
    this.list.replaceChildren(...completions.map((each, k) => {
      const name = each.kind === "query" ? "clock" : each.kind === "item" ? "play" : "search";
      const option = el("li", { role: "option", id: `completion-${k}`, "aria-selected": "false" }, icon(name), el("span", {}, each.text), el("small", {}, can(`completion.${each.kind}`) ? say(`completion.${each.kind}`) : ""));
      option.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
      option.addEventListener("click", () => this.#choose(k));
      return option;
    }));
    this.#open(completions.length > 0);
    this.told.textContent = completions.length > 0 ? say("completions", { n: completions.length }) : "";
  }

  #key(event) {
    if (event.isComposing) return; // Enter then ends a Chinese word, and searches nothing
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!open) return;
      event.preventDefault();
      const n = this.found.length;
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#mark(this.at === -1 && step === -1 ? n - 1 : (this.at + step + n) % n);
    } else if (event.key === "Enter" && open && this.at >= 0) {
      event.preventDefault();
      this.#choose(this.at);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      this.#close();
    }
  }

  #mark(at) {
    this.at = at;
    [...this.list.children].forEach((each, k) => each.setAttribute("aria-selected", String(k === at)));
    this.input.setAttribute("aria-activedescendant", `completion-${at}`);
    this.list.children[at].scrollIntoView({ block: "nearest" });
  }

  #choose(at) {
    const chosen = this.found[at];
    this.input.value = chosen.text;
    if (chosen.kind === "item" && chosen.item_id) {
      this.#close();
      this.pick(chosen);
    } else this.#search(chosen.text);
  }

  #search(text) {
    clearTimeout(this.timer);
    this.asked += 1;
    this.#close();
    this.find(text.trim());
  }

  #open(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  #close() {
    this.#open(false);
    this.at = -1;
  }
}
