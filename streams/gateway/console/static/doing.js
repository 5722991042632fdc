// Buttons that change something: they ask first, send JSON to the API, and load the page anew once it is done.
//   data-post: the route. data-ask: the dialog that asks, whose named fields are the body; data-asks: its title.
//   data-said: what a toast says then. data-then: the page to go to; data-stay: the page is not loaded anew.
import { act, call, resting } from "../web/api.js";
import { asked, toast } from "../web/page.js";

const DONE = "headrace-done";

/** What the named fields of a dialog hold, without those that are empty. */
export function fields(dialog) {
  const named = [...(dialog?.querySelectorAll("input[name], select[name], textarea[name]") ?? [])];
  return Object.fromEntries(named.filter((each) => each.value !== "").map((each) => [each.name, each.value]));
}

/** Goes to a page, which then says what was done here. On the same page the focus goes back to the button. */
export function arrive(text, button, then = location.href) {
  const here = then === location.href;
  try {
    sessionStorage.setItem(DONE, JSON.stringify({ text, post: here ? button.dataset.post : null }));
  } catch {
    // It is then done without a word.
  }
  if (here) location.reload();
  else location.assign(then);
}

/** Does what a button is for, once its dialog said yes. `answered`: what to say of the answer, "" for data-said. */
export async function press(button, { body = {}, answered = () => "" } = {}) {
  if (resting(button)) return undefined;
  const { post, ask, asks, said, then, stay } = button.dataset;
  const dialog = ask ? document.getElementById(ask) : null;
  if (asks) dialog.querySelector("h2").textContent = asks;
  if (ask && !(await asked(ask))) return undefined;
  const answer = await act(button, () => call("POST", post, { ...fields(dialog), ...body }), said);
  if (answer === undefined) return undefined;
  const text = answered(answer) || said;
  if (stay === undefined) arrive(text, button, then ?? location.href);
  return answer;
}

/** Wires all buttons with `data-post`, also those that come later; a module wires those with `data-own` itself. */
export function wire(options = {}) {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-post]:not([data-own])");
    if (button !== null) press(button, options);
  });
}

/** Says what was done on the page before. */
function tell({ text, post }) {
  toast(text, "good");
  if (!post) return;
  const button = document.querySelector(`button[data-post="${CSS.escape(post)}"]`);
  (button ?? document.getElementById("main")).focus({ preventScroll: true });
}

try {
  const done = sessionStorage.getItem(DONE);
  sessionStorage.removeItem(DONE);
  if (done !== null) tell(JSON.parse(done));
} catch {
  // Nothing was kept.
}
