// Sources and exposure: shares, diversity over time, and the items that are shown most.
import { bars, line } from "../web/charts.js";
import { format, show } from "../web/format.js";
import { el, t } from "../web/page.js";
import { duration, fill, follow } from "./figures.js";
import { itemLink } from "./titles.js";

const at = (id) => document.getElementById(id);
const sources = bars(at("chart-sources"), { unit: "percent", across: true });
const diversity = line(at("chart-diversity"), { unit: "decimal", min: 0, max: 1 });

function draw({ exposed }) {
  show(at("coverage"), exposed.coverage, "percent");
  show(at("gini"), exposed.gini, "decimal");
  show(at("top-share"), exposed.top_share, "percent");
  show(at("entropy"), exposed.entropy, "decimal");
  show(at("distance"), exposed.distance, "decimal");
  const shares = Object.entries(exposed.sources);
  sources.show([{ name: t("console.js.share"), values: shares.map(([name, share]) => [name === "" ? "–" : name, share]) }]);
  const past = (name) => exposed.history.filter((each) => each[name] !== null).map((each) => [each.at, each[name]]);
  const lines = ["entropy", "distance", "gini", "coverage"];
  diversity.show(exposed.history.length === 0 ? [] : lines.map((name) => ({ name: t(`console.js.${name}`), values: past(name) })));
  at("no-items").hidden = exposed.items.length > 0;
  at("sample").textContent = t("console.js.sample", { time: duration(exposed.seconds), places: format(exposed.item_places), items: format(exposed.shown_items), catalogue: format(exposed.catalogue) });
  const most = exposed.items[0]?.share ?? 1;
  fill(
    at("items"),
    [t("console.js.item"), [t("console.js.share"), "figure"], [el("span", { class: "hidden" }, t("console.js.share")), "wide"]],
    exposed.items.map(({ item, share }) => [
      itemLink(item),
      format(share, "percent"),
      el("meter", { min: 0, max: 1, value: share / most, "aria-label": t("console.js.share") }),
    ]),
  );
}

follow(draw);
