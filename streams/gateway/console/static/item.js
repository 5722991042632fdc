// An item's reach, and its neighbours by each way; a ranker knows them.
import { call, Problem } from "../web/api.js";
import { ago, format } from "../web/format.js";
import { data, el, t } from "../web/page.js";
import { duration } from "./figures.js";
import { itemLink } from "./titles.js";

const { item_id: item, ways } = data("asked");

/** Why something is not there; in a word or two where the whole is told above. */
function trouble(error, short = false) {
  if (error instanceof Problem && error.reason === "unknown_item") return el("p", { class: "none" }, t("console.js.item.unknown"));
  if (short) return el("p", { class: "none" }, t("console.js.item.away"));
  const words = error instanceof Problem ? error.words.split("\n") : [String(error)];
  return el("div", { class: "alarm bad", role: "alert" }, el("div", {}, ...words.map((each) => el("p", {}, each))));
}

function stat(label, value, note) {
  return el("div", { class: "stat" }, el("dt", {}, label), el("dd", {}, value), note ? el("dd", { class: "note" }, note) : null);
}

async function reach() {
  const place = document.getElementById("reach-said");
  try {
    const found = await call("GET", `/v1/admin/items/reach?${new URLSearchParams({ item_id: item })}`);
    place.replaceChildren(el("dl", { class: "stats" },
      stat(t("console.js.item.shown"), format(found.shown)),
      stat(t("console.js.item.events"), format(found.events), found.shown ? t("console.js.item.a_showing", { n: format(found.events / found.shown, "decimal") }) : ""),
      stat(t("console.js.item.share"), format(found.share, "percent"), t("console.js.item.of_items", { n: format(found.items) })),
      ...found.lately.map((each) => stat(t("console.js.item.lately", { time: duration(each.half_life_s) }), format(each.weight, "decimal"), t("console.js.item.place", { n: format(each.place) }))),
      stat(t("console.js.item.rating"), format(found.rating, "decimal"), t("console.js.item.of_ratings", { n: format(found.ratings) })),
      stat(t("console.js.item.last"), found.last_ms === null ? "–" : ago(found.last_ms)),
      stat(t("console.js.item.speaks"), found.own_text ? t("console.js.item.own_text") : t("console.js.item.reviews", { n: format(found.reviews) }))));
  } catch (error) {
    place.replaceChildren(trouble(error));
  }
  document.getElementById("reach").removeAttribute("aria-busy");
}

async function similar(by) {
  const place = document.getElementById(`similar-${by}`);
  try {
    const found = await call("GET", `/v1/admin/items/similar?${new URLSearchParams({ item_id: item, by, n: 10 })}`);
    if (found.items.length === 0) {
      place.replaceChildren(el("p", { class: "none" }, t("console.js.item.none")));
      return;
    }
    place.replaceChildren(el("ol", { class: "scored" }, ...found.items.map((each) => el("li", {}, el("span", { class: "row" },
      itemLink(each.item_id),
      el("span", { class: "note figure" }, `${each.source && by === "blended" ? `${each.source} · ` : ""}${format(each.score, "fixed")}`))))));
  } catch (error) {
    place.replaceChildren(trouble(error, true));
  }
}

reach();
ways.forEach(similar);
