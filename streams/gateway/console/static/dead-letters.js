// Dead letters: all that wait, or those with one reason, go back to their topics.
import { t } from "../web/page.js";
import { format } from "../web/format.js";
import { press } from "./doing.js";

for (const button of document.querySelectorAll("button[data-counts]")) {
  const reason = button.dataset.reason;
  button.addEventListener("click", () => press(button, {
    body: reason ? { reason } : {},
    answered: ({ sent, foreign, parts }) => {
      const whole = Object.values(sent).reduce((sum, each) => sum + each, 0);
      const left = foreign + parts;
      return left ? t("console.js.letters.sent_but", { n: format(whole), left: format(left) }) : t("console.js.letters.sent", { n: format(whole) });
    },
  }));
}
