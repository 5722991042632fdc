// Why a user's slate is as it is: what each score is the sum of, and what the history is worth to it.
import { busy, call, Problem } from "../web/api.js";
import { format } from "../web/format.js";
import { announce, data, el, ready, t } from "../web/page.js";
import { itemLink, itemName } from "./titles.js";

const button = document.getElementById("why");
const said = document.getElementById("why-said");
const told = document.getElementById("why-told");
const { user_id: user } = data("asked");

/** Numbers as bars: those above 0 and those below it look unlike each other, and are written too. */
function bars(pairs, most, name) {
  return el("div", { class: "parts" }, ...pairs.flatMap(([label, value]) => {
    const text = `${value > 0 ? "+" : ""}${format(value, "decimal")}`;
    return [
      el("span", {}, label),
      el("meter", { min: 0, max: 1, value: most ? Math.abs(value) / most : 0, class: value < 0 ? "less" : "more", "aria-label": `${name}: ${text}` }),
      el("span", { class: "figure" }, text),
    ];
  }));
}

function place(each, at, most) {
  const parts = each.contributions.filter(({ value }) => value !== 0).map(({ name, value }) => [name, value]);
  const worth = each.history.map(({ item_id: id, value }) => [itemLink(id), value]);
  return el("details", { open: at === 0 },
    el("summary", {}, `${at + 1}. `, itemName(each.item_id), ` · ${format(each.score, "decimal")}`),
    el("p", {}, itemLink(each.item_id)),
    parts.length ? bars(parts, most, t("console.js.user.part")) : el("p", { class: "none" }, t("console.js.user.no_parts")),
    worth.length ? el("h3", {}, t("console.js.user.history")) : null,
    worth.length ? bars(worth, Math.max(...worth.map(([, value]) => Math.abs(value))), t("console.js.user.worth")) : null);
}

async function explained() {
  said.replaceChildren(el("p", { class: "note" }, t("console.js.user.ranking")));
  announce(told, t("console.js.user.ranking"));
  try {
    const why = await call("GET", `/v1/admin/users/why?${new URLSearchParams({ user_id: user })}`);
    const values = why.items.flatMap(({ contributions }) => contributions.map(({ value }) => Math.abs(value)));
    const most = Math.max(0, ...values);
    announce(told, why.items.length ? t("console.js.user.ranked", { n: format(why.items.length) }) : t("console.js.user.nothing"));
    said.replaceChildren(
      el("p", { class: "note" }, t("console.js.user.made", { model: why.model || "–", rung: why.rung, arm: why.arm })),
      ...(why.items.length ? why.items.map((each, at) => place(each, at, most)) : [el("p", { class: "none" }, t("console.js.user.nothing"))]));
  } catch (error) {
    const words = error instanceof Problem ? error.words.split("\n") : [String(error)];
    said.replaceChildren(el("div", { class: "alarm bad", role: "alert" }, el("div", {}, ...words.map((each) => el("p", {}, each)))));
  }
}

button.addEventListener("click", () => busy(button, explained));
ready();
