// Covers: an item's own picture where it has one here, else one that is drawn from its title and categories.
import { el } from "../web/page.js";
import { hash } from "./chance.js";
import { shapes } from "./motifs.js";

const SPACE = "http://www.w3.org/2000/svg";

/** Four colours each: ground, two of the picture, one that stands out. White letters are legible on the ground. */
const PALETTES = [
  ["#0f2a33", "#1f5c66", "#8fd0c8", "#f2b84b"],
  ["#2b0f1c", "#7a1f3d", "#e07a5f", "#f4d6a0"],
  ["#10241a", "#2f6b4a", "#a7c957", "#f2e8cf"],
  ["#1a1440", "#4b3fa8", "#a89cf0", "#ffd166"],
  ["#2c140a", "#a3431f", "#f2a65a", "#f7e3c4"],
  ["#161b22", "#44566c", "#9fb3c8", "#ff7f6a"],
  ["#241029", "#6d2e75", "#d387c9", "#ffe29a"],
  ["#0a1f3c", "#1c5fa8", "#7cc4f5", "#ffd9a0"],
  ["#1f200f", "#6b6a1f", "#d3c95a", "#f4f1de"],
  ["#2a0a0d", "#a8182b", "#f2545b", "#ffd8be"],
  ["#2a2115", "#8a6a3b", "#e2c08d", "#7fc8c2"],
  ["#0b2624", "#1d8174", "#8ee3cf", "#ff9f80"],
  ["#151515", "#4a4a48", "#c9b06b", "#f6ecd2"],
  ["#2c1320", "#b0406f", "#f7a1b5", "#ffe8c2"],
];

let made = 0;

/** By the categories: what is of the same kinds has the same colours. */
export function palette(item) {
  const of = (text) => PALETTES[hash(text) % PALETTES.length];
  const [deep, mid, light, accent] = of(item.categories.length > 0 ? item.categories.join() : item.title);
  return { deep, mid, light, accent: item.categories.length > 1 ? of(item.categories[0])[3] : accent };
}

/** The cover of an item, with its title on it. Its name, for who does not see it, is the title alone. */
export function cover(item) {
  const art = item.image === null ? drawing(item) : el("img", { src: item.image, alt: "", loading: "lazy", decoding: "async" });
  if (item.image !== null) art.addEventListener("error", () => art.replaceWith(drawing(item)), { once: true });
  // A word that is wider than the cover would be cut in two.
  const word = Math.max(...item.title.split(/\s+/).map((each) => each.length));
  const long = item.title.length > 34 || word > 13 ? "long" : item.title.length > 16 || word > 9 ? "middle" : "short";
  return el("span", { class: `cover ${long}` }, art, el("span", { class: "title" }, item.title));
}

function drawing(item) {
  const colours = palette(item);
  const fade = `cover-${(made += 1)}`;
  const svg = shape("svg", { viewBox: "0 0 200 300", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true", focusable: "false" });
  const gradient = (id, stops) => {
    const found = shape("linearGradient", { id, x1: 0, y1: 0, x2: 0, y2: 1 });
    found.append(...stops.map(([offset, colour, opacity]) => shape("stop", { offset, "stop-color": colour, "stop-opacity": opacity })));
    return found;
  };
  const defs = shape("defs", {});
  defs.append(
    gradient(`${fade}-sky`, [[0, colours.deep, 1], [0.62, colours.mid, 1], [1, colours.deep, 1]]),
    gradient(fade, [[0.3, colours.deep, 0], [0.55, colours.deep, 0.4], [0.8, colours.deep, 0.95], [1, colours.deep, 1]]),
  );
  const whole = { x: 0, y: 0, width: 200, height: 300 };
  svg.append(
    defs,
    shape("rect", { ...whole, fill: `url(#${fade}-sky)` }),
    ...shapes(hash(item.title + item.categories.join()), colours).map(([tag, attributes]) => shape(tag, attributes)),
    shape("rect", { ...whole, fill: `url(#${fade})` }),
  );
  return svg;
}

function shape(tag, attributes) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
