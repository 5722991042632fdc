// Whether the reader presses something at this moment. A browser makes a click of a press and a release only where the
// element stays in its place from the one to the other: who moves or takes away elements waits for the release.

/** After a finger is lifted, the click comes a moment later. */
const CLICK_WITHIN_MS = 80;
/** A release may be lost, e.g. with the window's focus. */
const LONGEST_MS = 10_000;
const LOOK_EVERY_MS = 20;
let until = 0;

function begins({ key }) {
  if (key === undefined || key === "Enter" || key === " ") until = performance.now() + LONGEST_MS;
}

function ends() {
  until = Math.min(until, performance.now() + CLICK_WITHIN_MS);
}

const early = { capture: true, passive: true };
for (const name of ["pointerdown", "keydown"]) addEventListener(name, begins, early);
for (const name of ["pointerup", "pointercancel", "keyup"]) addEventListener(name, ends, early);
addEventListener("blur", ends); // the window's own: those of elements don't bubble
addEventListener("click", () => {
  until = 0;
});

export const pressing = () => performance.now() < until;

/** Returns once nothing is pressed. */
export async function released() {
  while (pressing()) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}
