// Dead letters: all that wait, or those with one reason, go back to their topics.
import { ready, t } from "../web/page.js";
import { format } from "../web/format.js";
import { press } from "./doing.js";
import { renews } from "./renewing.js";

/** Each look reads them from Kafka. */
const EVERY_MS = 15_000;

function answered({ sent, foreign, parts }) {
  const whole = Object.values(sent).reduce((sum, each) => sum + each, 0);
  const left = foreign + parts;
  return left ? t("console.js.letters.sent_but", { n: format(whole), left: format(left) }) : t("console.js.letters.sent", { n: format(whole) });
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-counts]");
  if (button === null) return;
  const { reason } = button.dataset;
  press(button, { body: reason ? { reason } : {}, answered });
});
ready();
renews(() => {}, EVERY_MS);
