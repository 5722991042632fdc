// The registry's buttons, and how far a renewal is.
import { call, rest } from "../web/api.js";
import { ago, format } from "../web/format.js";
import { announce, data, el, ready, t } from "../web/page.js";
import { pressing } from "../web/pressing.js";
import { press, wire } from "./doing.js";
import { renews } from "./renewing.js";

const EVERY_MS = 2_000;
const alive = document.getElementById("renewal-alive");
const now = document.getElementById("renewal-now");
const place = document.getElementById("renewal-said");
const renew = document.getElementById("renew");
const KINDS = { promoted: "good", kept: "warn", waiting: "warn", failed: "bad", ordered: "warn", "no model": "warn" };

function badge(text, kind) {
  return el("span", { class: `badge ${kind}` }, text);
}

function fact(name, ...value) {
  return [el("dt", {}, name), el("dd", {}, ...value)];
}

let told = "";
let aloud = null;

const named = (outcome) => (outcome in KINDS ? t(`console.js.models.outcome.${outcome.replace(" ", "_")}`) : outcome);

/** Read out: that a renewal is at another stage, or has ended; not how far it is. */
function sayAloud({ at_work: work, last }) {
  const text = work !== null ? t("console.js.models.at_work", { stage: work.stage || t("console.js.models.begins") }) : last !== null ? `${t("console.js.models.last")}: ${named(last.outcome)}` : "";
  if (aloud !== null && aloud !== text) announce(place, text);
  aloud = text;
}

function show(view) {
  rest(renew, view.asked !== null);
  sayAloud(view);
  const times = [view.at_work?.since_ms, view.asked?.asked_ms, view.last?.ended_ms];
  const text = JSON.stringify([view, ...times.map((ms) => ms && ago(ms))]);
  if (text === told) return;
  told = text;
  alive.replaceChildren(view.alive ? badge(t("console.js.models.alive"), "good") : badge(t("console.js.models.nobody"), "warn"));
  const parts = [];
  if (view.at_work !== null) {
    const { stage, done, total, since_ms } = view.at_work;
    const label = stage || t("console.js.models.begins");
    parts.push(el("div", { class: "row apart" }, el("strong", {}, t("console.js.models.at_work", { stage: label })), el("span", { class: "note" }, ago(since_ms))));
    parts.push(el("progress", { "aria-label": label, max: total || 1, value: total ? done : false }));
    if (total) parts.push(el("p", { class: "note" }, t("console.js.models.of", { done: format(done), total: format(total) })));
  }
  if (view.asked !== null) {
    const { by, because, asked_ms, tries } = view.asked;
    const ended = view.alive ? tries - 1 : tries; // the one that lives has begun it, and says so in a moment
    const key = `asked${ended > 0 ? "_again" : ""}${view.alive ? "" : "_nobody"}`;
    parts.push(el("div", { class: "alarm" }, el("p", {}, t(`console.js.models.${key}`, { by, because: because || "–", when: ago(asked_ms), tries: ended }))));
  } else if (!view.alive && view.at_work === null) {
    parts.push(el("p", {}, t("console.js.models.start")));
  }
  if (view.last !== null) {
    const { outcome, said, ended_ms } = view.last;
    parts.push(el("dl", { class: "facts" },
      ...fact(t("console.js.models.last"), badge(named(outcome), KINDS[outcome] ?? "plain"), " ", el("span", { class: "note" }, ago(ended_ms))),
      ...fact(t("console.js.models.said"), el("span", { lang: "en" }, said || "–"))));
  }
  now.replaceChildren(...parts);
}

async function look() {
  try {
    if (document.hidden) return;
    const view = await call("GET", "/v1/admin/renewal");
    if (!pressing()) show(view); // it moves what is below
  } catch {
    // The store is away: what is shown stays, and is asked for again.
  }
}

async function lookOn() {
  await look();
  setTimeout(lookOn, EVERY_MS);
}

function answered({ confirmed, model: name }) {
  if (confirmed === undefined) return "";
  return t(confirmed ? "console.js.models.confirmed" : "console.js.models.unconfirmed", { name });
}

wire({ answered });
renew.addEventListener("click", async () => {
  if ((await press(renew)) !== undefined) look();
});
ready();
show(data("renewal"));
setTimeout(lookOn, EVERY_MS);
renews();
