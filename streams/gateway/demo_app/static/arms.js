// Two arms side by side: what each of them would show to this very user, now.
import { call, Problem } from "../web/api.js";
import { el } from "../web/page.js";
import { released } from "../web/pressing.js";
import { item, know } from "./catalog.js";
import { cards, named, places } from "./cards.js";
import { arrange } from "./flip.js";
import { preview } from "./shelves.js";
import { arm, say } from "./words.js";

const PLACES = 10;

export class Arms {
  constructor(section, does) {
    this.section = section;
    this.sides = [...section.querySelectorAll(".side")].map((side) => ({ side, select: side.querySelector("select"), list: side.querySelector("ol"), told: side.querySelector(".told") }));
    this.overlap = section.querySelector(".overlap");
    this.cards = cards(does);
    this.turn = 0;
    for (const { select } of this.sides) select.addEventListener("change", () => this.refresh());
  }

  /** Open it for a user; the arms are those of experiments that run, and what everybody else gets. */
  async open(user) {
    this.user = user;
    this.section.hidden = false;
    const arms = await declared();
    this.sides.forEach(({ select }, k) => {
      const kept = select.value;
      select.replaceChildren(...arms.map((each) => el("option", { value: each }, arm(each))));
      select.value = arms.includes(kept) && kept !== "" ? kept : arms[Math.min(k, arms.length - 1)];
    });
    this.alone = arms.length < 2;
    await this.refresh();
  }

  close() {
    this.turn += 1;
    this.section.hidden = true;
    for (const { list } of this.sides) list.replaceChildren();
  }

  /** Asks both anew. The last one asked for stands; what comes meanwhile asks once more behind it. */
  async refresh(user = this.user) {
    if (this.section.hidden) return;
    this.user = user;
    const turn = (this.turn += 1);
    const answers = await Promise.all(this.sides.map(({ select }) => preview(select.value, user, PLACES).catch((error) => error)));
    const good = answers.filter((each) => !(each instanceof Error));
    await know(good.flatMap(named));
    await released();
    if (turn !== this.turn) return;
    const [left, right] = answers.map((each) => new Map(each instanceof Error ? [] : each.items.map((one, place) => [one.item_id, place + 1])));
    answers.forEach((answer, k) => this.#show(this.sides[k], answer, k === 0 ? right : left));
    const both = [...left.keys()].filter((key) => right.has(key)).length;
    this.overlap.textContent = this.alone ? say("arms.alone") : good.length === 2 ? say("arms.overlap", { both, n: Math.max(left.size, right.size) }) : "";
  }

  #show({ list, told }, answer, other) {
    if (answer instanceof Error) {
      if (!(answer instanceof Problem)) throw answer;
      told.textContent = answer.words;
      told.hidden = false;
      list.replaceChildren();
      return;
    }
    const wanted = places(answer, item, { surface: "compare", preview: true }).map((each) => ({ ...each, source: null, alone: !other.has(each.key), made: other.has(each.key) ? say("arms.there", { place: other.get(each.key) }) : say("arms.alone_here") }));
    arrange(list, wanted, this.cards);
    told.hidden = wanted.length > 0;
    told.textContent = say("shelf.empty");
  }
}

/** The arms there are: of the first experiment that runs its control last, then those of others, then the default. */
async function declared() {
  let running = [];
  try {
    const { experiments } = await call("GET", "/v1/admin/experiments");
    running = experiments.filter((each) => each.state === "running");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  const arms = running.flatMap(({ key, declared: { control, arms: of } }) => {
    const names = Object.keys(of).filter((name) => name !== control);
    return [...names, control].map((name) => `${key}=${name}`);
  });
  return [...arms, "default"];
}
