// One dead letter: it goes back as it is, or mended. What is no JSON is told before it is sent.
import { busy, call, Problem, resting } from "../web/api.js";
import { asked, ready, t } from "../web/page.js";
import { arrive, wire } from "./doing.js";

const text = document.getElementById("mended");
const wrong = document.getElementById("mended-wrong");
const send = document.getElementById("send-mended");

wire();

function say(words) {
  wrong.textContent = words;
  text.setAttribute("aria-invalid", words === "" ? "false" : "true");
}

function unreadable() {
  try {
    const event = JSON.parse(text.value);
    return event === null || typeof event !== "object" || Array.isArray(event) ? t("console.js.letters.no_object") : "";
  } catch (error) {
    return t("console.js.letters.no_json", { why: error.message });
  }
}

text.addEventListener("input", () => say(""));
async function sent() {
  try {
    await call("POST", send.dataset.post, { value: text.value });
    arrive(send.dataset.said, send);
  } catch (error) {
    say(error instanceof Problem ? error.words : String(error));
    text.focus();
  }
}

send.addEventListener("click", async () => {
  if (resting(send)) return;
  say(unreadable());
  if (wrong.textContent !== "") text.focus();
  else if (await asked("ask-mended")) await busy(send, sent);
});
ready();
