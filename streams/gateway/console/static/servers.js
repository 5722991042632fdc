// Store and broker: what they have to do, how far each partition is, what is served.
import { line } from "../web/charts.js";
import { format, show } from "../web/format.js";
import { el, t } from "../web/page.js";
import { badge, fill, follow, over } from "./figures.js";

const at = (id) => document.getElementById(id);
const latency = line(at("chart-store"), { unit: "ms", min: 0 });

function reached(trouble) {
  return trouble === "" ? badge(t("console.js.reached"), "good") : badge(t("console.js.away"), "bad");
}

function draw(figures, points) {
  const { point, workers, services } = figures;
  const load = services.load;
  at("store-state").replaceChildren(reached(services.store));
  at("broker-state").replaceChildren(reached(services.broker));
  show(at("store-ms"), point.store_ms, "ms");
  show(at("store-memory"), load.memory_bytes, "bytes");
  show(at("store-limit"), load.memory_limit_bytes || null, "bytes");
  show(at("store-commands"), load.commands_per_s, "rate");
  show(at("store-clients"), load.clients, "integer");
  show(at("store-keys"), load.keys, "integer");
  latency.show([{ name: t("console.js.latency"), values: over(points, (each) => each.store_ms) }]);

  const rows = workers.flatMap((each) => Object.entries(each.partitions).map(([place, [offset, end]]) => ({ place, offset, end, worker: each.name, silent: each.state === "silent" })));
  const alive = rows.filter((row) => !row.silent);
  alive.sort((a, b) => b.end - b.offset - (a.end - a.offset) || a.place.localeCompare(b.place, "en", { numeric: true }));
  at("no-partitions").hidden = alive.length > 0;
  fill(
    at("partitions"),
    [t("console.js.partition"), [t("console.js.lag"), "figure"], [t("console.js.offset"), "figure"], [t("console.js.end"), "figure"], t("console.js.worker")],
    alive.map((row) => [row.place, format(Math.max(0, row.end - row.offset)), format(row.offset), format(row.end), row.worker]),
  );

  at("active-model").textContent = services.active ?? t("console.js.no_model");
  const serving = workers.filter((each) => each.state !== "silent");
  list(at("serving"), serving.map((each) => `${each.name}: ${each.models.join(", ") || t("console.js.no_model")}`));
  list(at("ledger"), serving.map((each) => `${each.name}: ${each.ledger}`));
}

function list(place, lines) {
  place.replaceChildren(...(lines.length === 0 ? ["–"] : lines.map((each) => el("div", {}, each))));
}

follow(draw);
