// Calls of the gateway's own routes, with what went wrong told to the reader.
import { t, toast } from "./page.js";

/** What a route refused: the fields of its problem document. */
export class Problem extends Error {
  constructor(told) {
    super(told.reason ?? "problem");
    Object.assign(this, told);
  }

  /** For people: what was expected, what came, what to do. */
  get words() {
    if (this.expected === undefined) return t(`web.js.${this.reason}`, this);
    return [
      `${this.status} ${this.title}`,
      t("web.js.expected", { text: this.expected }),
      t("web.js.came", { text: this.came }),
      t("web.js.remedy", { text: this.remedy }),
    ].join("\n");
  }
}

/** The gateway bounds what it waits for by less. */
const ANSWERED_WITHIN_S = 20;
/** Sooner than that nobody asks whether a press was taken. */
const TOLD_AFTER_MS = 200;

function unanswered(error) {
  if (error.name === "TimeoutError") return new Problem({ status: 0, reason: "late_answer", seconds: ANSWERED_WITHIN_S });
  return new Problem({ status: 0, reason: "no_answer" });
}

/** The JSON that a route answers; null where it answers none. `body` is sent as JSON. Throws `Problem`, also where there
 *  is no answer within 20 s. */
export async function call(method, path, body) {
  const signal = AbortSignal.timeout(1000 * ANSWERED_WITHIN_S);
  const sent = { method, headers: { accept: "application/json" }, cache: "no-store", signal };
  if (body !== undefined) {
    sent.headers["content-type"] = "application/json";
    sent.body = JSON.stringify(body);
  }
  let answer;
  let text;
  try {
    answer = await fetch(path, sent);
    text = await answer.text();
  } catch (error) {
    throw unanswered(error);
  }
  let content = null;
  try {
    content = text === "" ? null : JSON.parse(text);
  } catch {
    content = null;
  }
  if (!answer.ok) throw new Problem(content?.expected ? content : { status: answer.status, reason: "bare_answer" });
  return content;
}

/** Whether a button can't be pressed now. It stays where the focus may be: a button that is disabled loses it. */
export const resting = (button) => button.getAttribute("aria-disabled") === "true";

/** Lets a button rest, or not any more; whoever listens to it asks `resting`. */
export function rest(button, rests = true) {
  if (rests) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

/** Does what a button is for: it can't be pressed again meanwhile, and a toast says that an answer is awaited. Gives
 *  what `doing` gives, undefined where it rests. */
export async function busy(button, doing) {
  if (resting(button)) return undefined;
  button.setAttribute("aria-busy", "true");
  rest(button);
  let told = null;
  const telling = setTimeout(() => {
    told = toast(t("web.js.sent"), "plain", 2 * ANSWERED_WITHIN_S);
  }, TOLD_AFTER_MS);
  try {
    return await doing();
  } finally {
    clearTimeout(telling);
    told?.remove();
    rest(button, false);
    button.removeAttribute("aria-busy");
  }
}

/** Like `busy`, and a toast says how it ended. `doing` returns what `call` does; `said` is the text of success. Gives
 *  the answer, or undefined. */
export const act = (button, doing, said = t("web.js.done")) =>
  busy(button, async () => {
    try {
      const answer = await doing();
      toast(said, "good");
      return answer;
    } catch (error) {
      toast(error instanceof Problem ? error.words : String(error), "bad");
      if (!(error instanceof Problem)) throw error;
      return undefined;
    }
  });
