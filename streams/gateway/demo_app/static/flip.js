// Lists that move instead of jumping: First, Last, Invert, Play (Paul Lewis, 2015). Transforms alone, so nothing is
// laid out anew while things move. Who asks for less motion sees the change at once.

const MOVE = { duration: 460, easing: "cubic-bezier(.2,.75,.25,1)" };
const ENTER = { duration: 380, easing: "cubic-bezier(.2,.75,.25,1)", fill: "backwards" };
const LEAVE = { duration: 260, easing: "ease-in", fill: "forwards" };
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Shows `wanted` in a list: [{key, ...}]. `make(each)` gives an element, `update(element, each)` brings it up to date.
 *  Elements stay the same by key; so does the focus, where its element stays, or else the place where it was.
 *  Gives the keys that came, those that left, and by how many places up each other one moved. */
export function arrange(list, wanted, { make, update }) {
  const here = [...list.children].filter((each) => each.dataset.leaving === undefined);
  const known = new Map(here.map((each) => [each.dataset.key, each]));
  const from = new Map(here.map((each) => [each.dataset.key, each.getBoundingClientRect()]));
  const places = new Map(here.map((each, place) => [each.dataset.key, place]));
  const focused = focusIn(list, here);
  const keys = new Set(wanted.map((each) => each.key));
  const left = here.filter((each) => !keys.has(each.dataset.key));
  const frame = left.length > 0 ? list.getBoundingClientRect() : null;
  for (const each of left) takeOut(list, each, from.get(each.dataset.key), frame);

  const came = [];
  const moved = new Map();
  let at = list.firstElementChild;
  for (const [place, each] of wanted.entries()) {
    let element = known.get(each.key);
    if (element === undefined) {
      element = make(each);
      element.dataset.key = each.key;
      came.push(each.key);
    } else if (places.get(each.key) !== place) {
      moved.set(each.key, places.get(each.key) - place);
    }
    update(element, each);
    while (at !== null && at.dataset.leaving !== undefined) at = at.nextElementSibling;
    if (at === element) at = at.nextElementSibling;
    else list.insertBefore(element, at);
    known.set(each.key, element);
  }
  if (focused !== null) focusAgain(list, focused);
  if (!still.matches && list.checkVisibility?.() !== false) play(wanted, known, from, came);
  return { came, left: left.map((each) => each.dataset.key), moved };
}

function play(wanted, known, from, came) {
  const elements = wanted.map((each) => known.get(each.key));
  for (const each of elements) for (const motion of each.getAnimations()) motion.cancel();
  const to = elements.map((each) => each.getBoundingClientRect());
  elements.forEach((each, k) => {
    const before = from.get(each.dataset.key);
    if (before === undefined) {
      const delay = 35 * Math.min(came.indexOf(each.dataset.key), 8);
      each.animate([{ opacity: 0.25, transform: "scale(.94)" }, { opacity: 1, transform: "none" }], { ...ENTER, delay });
      return;
    }
    const [x, y] = [before.left - to[k].left, before.top - to[k].top];
    if (Math.abs(x) + Math.abs(y) < 1) return;
    each.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], MOVE);
  });
}

/** An element that leaves fades where it was, out of the flow and out of reach. */
function takeOut(list, element, rect, frame) {
  if (still.matches) {
    element.remove();
    return;
  }
  element.dataset.leaving = "";
  element.inert = true;
  element.setAttribute("aria-hidden", "true");
  Object.assign(element.style, {
    position: "absolute",
    left: `${rect.left - frame.left - list.clientLeft + list.scrollLeft}px`,
    top: `${rect.top - frame.top - list.clientTop + list.scrollTop}px`,
    width: `${rect.width}px`,
    height: `${rect.height}px`,
    margin: "0",
    zIndex: "0",
  });
  const gone = element.animate([{ opacity: 1, transform: "none" }, { opacity: 0, transform: "scale(.9)" }], LEAVE);
  gone.finished.then(() => element.remove(), () => element.remove());
}

function focusIn(list, here) {
  const active = document.activeElement;
  const holder = list.contains(active) ? here.find((each) => each.contains(active)) : undefined;
  if (holder === undefined) return null;
  return { key: holder.dataset.key, place: here.indexOf(holder), part: active.dataset.part, element: active };
}

function focusAgain(list, { key, place, part, element }) {
  if (element.isConnected && document.activeElement === element && !element.closest("[data-leaving]")) return;
  const now = [...list.children].filter((each) => each.dataset.leaving === undefined);
  const holder = now.find((each) => each.dataset.key === key) ?? now[Math.min(place, now.length - 1)];
  const found = holder?.querySelector(`[data-part="${part}"]`) ?? holder?.querySelector("button");
  found?.focus({ preventScroll: true });
}
