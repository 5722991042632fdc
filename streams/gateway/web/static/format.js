// Numbers and times as the page's language writes them.
const locale = document.documentElement.lang || "en";
const made = new Map();

function numbers(options) {
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.NumberFormat(locale, options));
  return made.get(key);
}

/** Numbers stand apart from Chinese words, as they do in the texts: "8 毫秒". */
const spaced = (text) => text.replace(/(\d)(?=\p{Script=Han})/gu, "$1 ");

const BYTES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

function bytes(value) {
  let step = 0;
  let rest = Math.abs(value);
  while (rest >= 1000 && step < BYTES.length - 1) {
    rest /= 1000;
    step += 1;
  }
  // "40 byte" would be short for 40 bytes.
  const options = { style: "unit", unit: BYTES[step], unitDisplay: step === 0 ? "long" : "short", maximumSignificantDigits: 3 };
  return spaced(numbers(options).format(value < 0 ? -rest : rest));
}

function milliseconds(value) {
  const unit = Math.abs(value) >= 10_000 ? "second" : "millisecond";
  const shown = unit === "second" ? value / 1000 : value;
  const digits = { maximumFractionDigits: Math.abs(shown) < 1 ? 2 : Math.abs(shown) < 10 ? 1 : 0 };
  return spaced(numbers({ style: "unit", unit, unitDisplay: "short", ...digits }).format(shown));
}

const STYLES = {
  integer: (value) => numbers({ maximumFractionDigits: 0 }).format(value),
  decimal: (value) => numbers({ maximumFractionDigits: 3 }).format(value),
  // In a column the points stand below each other.
  fixed: (value) => numbers({ minimumFractionDigits: 3, maximumFractionDigits: 3 }).format(value),
  short: (value) => numbers({ notation: "compact", maximumSignificantDigits: 3 }).format(value),
  // Of a column, all small ones have as many digits.
  percent: (value) => numbers({ style: "percent", maximumFractionDigits: Math.abs(value) < 0.1 ? 1 : 0, minimumFractionDigits: value !== 0 && Math.abs(value) < 0.1 ? 1 : 0 }).format(value),
  ms: milliseconds,
  seconds: (value) => milliseconds(value * 1000),
  bytes,
  rate: (value) =>
    `${numbers({ maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 }).format(value)}/${numbers({ style: "unit", unit: "second", unitDisplay: "narrow" }).formatToParts(1).filter((part) => part.type === "unit").map((part) => part.value).join("")}`,
};

/** Writes the numbers of a column so that their points stand below each other: as many digits as the longest needs. */
export function column(values, style = "decimal") {
  if (style !== "decimal") return (value) => format(value, style);
  const digits = Math.max(0, ...values.map((value) => numbers({ maximumFractionDigits: 3 }).formatToParts(Number(value) + 0).find(({ type }) => type === "fraction")?.value.length ?? 0));
  return (value) => numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(Number(value) + 0);
}

/** A number in one of the styles of `number()` in a template, or "–" where there is none. */
export function format(value, style = "integer") {
  if (value === null || value === undefined || Number.isNaN(Number(value))) return "–";
  return (STYLES[style] ?? STYLES.decimal)(Number(value) + 0); // no "-0"
}

const AGO = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });

/** How long ago it was: "8 sec. ago". `ms`: since 1970. */
export function ago(ms, now = Date.now()) {
  const seconds = (ms - now) / 1000;
  const [unit, length] = AGO.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return spaced(relative.format(Math.trunc(seconds / length), unit));
}

const CLOCKS = {
  time: new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" }),
  minute: new Intl.DateTimeFormat(locale, { timeStyle: "short", hourCycle: "h23" }),
  day: new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" }),
  date: new Intl.DateTimeFormat(locale, { dateStyle: "medium" }),
  moment: new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }),
};

/** A time in one of the styles of `moment()` in a template. */
export function clock(ms, style = "moment") {
  return style === "ago" ? ago(ms) : CLOCKS[style].format(ms);
}

/** Writes all numbers and times below `root` as the reader's language does. */
export function formatAll(root, which = "data[data-format], time[data-format]") {
  for (const each of root.querySelectorAll(which)) {
    const isTime = each.tagName === "TIME";
    const text = isTime ? clock(Date.parse(each.dateTime), each.dataset.format) : format(each.value, each.dataset.format);
    if (each.textContent !== text) each.textContent = text;
    if (isTime && each.dataset.format === "ago" && !each.title) each.title = clock(Date.parse(each.dateTime));
  }
}

/** An element with a number in it, as `number()` makes one. */
export function numberElement(value, style) {
  const element = document.createElement("data");
  element.className = "number";
  element.value = value ?? "";
  element.dataset.format = style;
  element.textContent = format(value, style);
  return element;
}

/** Shows a number where `number()` or `stat()` put one. */
export function show(place, value, style) {
  if (place === null) return;
  const element = place.matches("data, .none") ? place : place.querySelector("data, .none");
  if (element !== null) element.replaceWith(numberElement(value, style ?? element.dataset.format));
}
