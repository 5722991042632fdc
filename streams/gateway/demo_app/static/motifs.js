// What covers show: shapes on a sheet of 200 by 300. Each motif draws by `draw(low, high)` in four colours.
import { chance } from "./chance.js";

/** A shape: [tag, attributes]. The title stands on the lower third, so little happens there. */
const circle = (cx, cy, r, rest) => ["circle", { cx, cy, r, ...rest }];
const path = (d, rest) => ["path", { d, ...rest }];
const line = { fill: "none", "stroke-linecap": "round" };
const round = (value) => Math.round(value * 10) / 10;
const points = (list) => list.map(([x, y]) => `${round(x)} ${round(y)}`).join("L");

function sun(draw, { mid, light, accent }) {
  const [x, r] = [draw(60, 140), draw(38, 62)];
  const shapes = [circle(x, 105, r * 1.5, { fill: light, opacity: 0.16 }), circle(x, 105, r, { fill: accent })];
  for (let k = 0; k < 6; k += 1) {
    const height = 3 + 2.2 * k;
    shapes.push(["rect", { x: 0, y: round(112 + 15 * k + height), width: 200, height: round(height), fill: k % 2 ? mid : light, opacity: 0.85 }]);
  }
  return shapes;
}

function waves(draw, { mid, light, accent }) {
  const shapes = [circle(draw(45, 155), draw(45, 80), draw(16, 30), { fill: accent })];
  const turns = draw(1, 2.2);
  for (let k = 0; k < 6; k += 1) {
    const [high, swing, shift] = [78 + 26 * k, draw(8, 20), draw(0, 6.3)];
    const top = [];
    for (let x = 0; x <= 200; x += 10) top.push([x, high + swing * Math.sin(shift + (turns * x) / 32)]);
    shapes.push(path(`M0 300L${points(top)}L200 300Z`, { fill: k % 2 ? light : mid, opacity: round(0.3 + 0.09 * k) }));
  }
  return shapes;
}

function peaks(draw, { deep, mid, light, accent }) {
  const shapes = [circle(draw(50, 150), draw(55, 85), draw(14, 26), { fill: accent })];
  [[light, 0.45, 95], [mid, 0.9, 130], [deep, 0.85, 170]].forEach(([fill, opacity, high]) => {
    const ridge = [];
    for (let x = -20; x <= 220; x += draw(26, 44)) ridge.push([x, high + draw(-38, 26)]);
    shapes.push(path(`M-20 300L${points(ridge)}L220 ${high}L220 300Z`, { fill, opacity }));
  });
  return shapes;
}

function arcs(draw, { mid, light, accent }) {
  const [x, y] = [draw() < 0.5 ? 0 : 200, draw(60, 190)];
  return Array.from({ length: 8 }, (_, k) =>
    circle(x, round(y), 22 + 21 * k, { ...line, stroke: k === 2 ? accent : k % 2 ? light : mid, "stroke-width": round(draw(5, 15)), opacity: round(0.95 - 0.06 * k) }),
  );
}

function dots(draw, { mid, light, accent }) {
  const [a, b] = [draw(0.5, 1.1), draw(0, 6.3)];
  const [row, column] = [Math.floor(draw(1, 6)), Math.floor(draw(1, 5))];
  const shapes = [];
  for (let y = 0; y < 8; y += 1) {
    for (let x = 0; x < 6; x += 1) {
      const r = 3 + 9 * Math.abs(Math.sin(a * (x + y * 0.7) + b));
      const told = x === column && y === row;
      shapes.push(circle(25 + 30 * x, 25 + 27 * y, round(told ? 14 : r), { fill: told ? accent : (x + y) % 2 ? light : mid }));
    }
  }
  return shapes;
}

function skyline(draw, { deep, mid, light, accent }) {
  const shapes = [circle(draw(40, 160), draw(45, 75), draw(18, 30), { fill: light, opacity: 0.9 })];
  const lit = [];
  let x = -6;
  while (x < 200) {
    const [wide, top] = [draw(20, 38), draw(85, 180)];
    shapes.push(["rect", { x: round(x), y: round(top), width: round(wide), height: 220, fill: draw() < 0.5 ? mid : deep }]);
    for (let y = top + 10; y < 225; y += 13) {
      for (let w = x + 6; w < x + wide - 7; w += 9) {
        if (draw() < 0.34) lit.push(`M${round(w)} ${round(y)}h3.5v5.5h-3.5z`);
      }
    }
    x += wide + draw(0, 3);
  }
  return [...shapes, path(lit.join(""), { fill: accent, opacity: 0.9 })];
}

function orbits(draw, { mid, light, accent }) {
  const [x, y, tilt] = [draw(80, 120), draw(95, 125), draw(-50, 50)];
  const turned = `rotate(${round(tilt)} ${round(x)} ${round(y)})`;
  const rings = [42, 66, 92, 120].map((r, k) =>
    ["ellipse", { cx: x, cy: y, rx: r, ry: round(r * 0.36), ...line, stroke: k % 2 ? light : mid, "stroke-width": 2.5, transform: turned }],
  );
  const angle = draw(0, 6.3);
  const moon = circle(round(x + 92 * Math.cos(angle)), round(y + 33 * Math.sin(angle)), 8, { fill: accent, transform: turned });
  return [...rings, circle(x, y, round(draw(20, 32)), { fill: light }), moon];
}

function shards(draw, { mid, light, accent }) {
  const [x, y] = [draw(60, 140), draw(80, 150)];
  const sides = Math.floor(draw(9, 14));
  return Array.from({ length: sides }, (_, k) => {
    const [from, to] = [(k / sides) * 6.283, ((k + draw(0.45, 0.9)) / sides) * 6.283];
    const far = draw(90, 260);
    const corner = (angle) => [x + far * Math.cos(angle), y + far * Math.sin(angle)];
    return path(`M${points([[x, y], corner(from), corner(to)])}Z`, { fill: k % 4 === 0 ? accent : k % 2 ? light : mid, opacity: k % 4 === 0 ? 0.95 : 0.6 });
  });
}

function stripes(draw, { mid, light, accent }) {
  const turned = `rotate(${Math.round(draw(-55, 55))} 100 120)`;
  const bars = [];
  for (let x = -80, k = 0; x < 280; k += 1) {
    const wide = draw(8, 30);
    bars.push(["rect", { x: round(x), y: -140, width: round(wide), height: 560, fill: k % 3 === 0 ? light : mid, opacity: k % 2 ? 0.45 : 0.85, transform: turned }]);
    x += wide + draw(4, 16);
  }
  return [...bars, circle(round(draw(65, 135)), round(draw(85, 140)), round(draw(26, 44)), { fill: accent })];
}

function bloom(draw, { mid, light, accent }) {
  const petals = Math.floor(draw(6, 13));
  const [x, y, long] = [100, draw(100, 120), draw(62, 88)];
  const shapes = Array.from({ length: petals }, (_, k) =>
    ["ellipse", { cx: x, cy: round(y - long / 2), rx: round(140 / petals), ry: round(long / 2), fill: k % 2 ? light : mid, opacity: 0.78, transform: `rotate(${round((360 * k) / petals)} ${x} ${round(y)})` }],
  );
  return [...shapes, circle(x, round(y), round(draw(12, 20)), { fill: accent })];
}

const MOTIFS = [sun, waves, peaks, arcs, dots, skyline, orbits, shards, stripes, bloom];

/** The shapes of a cover: of one motif, the same for the same seed. */
export function shapes(seed, colours) {
  const draw = chance(seed);
  return MOTIFS[Math.floor(draw(0, MOTIFS.length))](draw, colours);
}
