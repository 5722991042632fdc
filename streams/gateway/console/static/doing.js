// Buttons that change something: they ask first, send JSON to the API, and load the page anew once it is done.
//   data-post: the route. data-ask: the dialog that asks, whose named fields are the body.
//   data-said: what a toast says then. data-then: the page to go to; data-stay: the page is not loaded anew.
import { act, call } from "../web/api.js";
import { asked, toast } from "../web/page.js";

const SAID = "headrace-said";

/** What the named fields of a dialog hold, without those that are empty. */
export function fields(dialog) {
  const named = [...(dialog?.querySelectorAll("input[name], select[name], textarea[name]") ?? [])];
  return Object.fromEntries(named.filter((each) => each.value !== "").map((each) => [each.name, each.value]));
}

/** Goes to a page, which then says what was done here. */
export function arrive(text, then = location.href) {
  try {
    sessionStorage.setItem(SAID, text);
  } catch {
    // It is then done without a word.
  }
  if (then === location.href) location.reload();
  else location.assign(then);
}

/** Does what a button is for, once its dialog said yes. `answered`: what to say of the answer, "" for data-said. */
export async function press(button, { body = {}, answered = () => "" } = {}) {
  const { post, ask, said, then, stay } = button.dataset;
  const dialog = ask ? document.getElementById(ask) : null;
  if (ask && !(await asked(ask))) return undefined;
  const answer = await act(button, () => call("POST", post, { ...fields(dialog), ...body }), said);
  if (answer === undefined) return undefined;
  const text = answered(answer) || said;
  if (stay === undefined) arrive(text, then ?? location.href);
  return answer;
}

/** Wires all buttons with `data-post` but those that a module wires itself. */
export function wire(options = {}, but = "[data-own]") {
  for (const button of document.querySelectorAll("button[data-post]")) {
    if (!button.matches(but)) button.addEventListener("click", () => press(button, options));
  }
}

try {
  const said = sessionStorage.getItem(SAID);
  if (said !== null) {
    sessionStorage.removeItem(SAID);
    toast(said, "good");
  }
} catch {
  // Nothing was kept.
}
