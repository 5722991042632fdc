// One dead letter: it goes back as it is, or mended. What is no JSON is told before it is sent.
import { call, Problem } from "../web/api.js";
import { asked, t } from "../web/page.js";
import { arrive, wire } from "./doing.js";

const text = document.getElementById("mended");
const wrong = document.getElementById("mended-wrong");
const send = document.getElementById("send-mended");

wire({}, "#send-mended");

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
send.addEventListener("click", async () => {
  say(unreadable());
  if (wrong.textContent !== "") {
    text.focus();
    return;
  }
  if (!(await asked("ask-mended"))) return;
  send.disabled = true;
  try {
    await call("POST", send.dataset.post, { value: text.value });
    arrive(send.dataset.said);
  } catch (error) {
    say(error instanceof Problem ? error.words : String(error));
    text.focus();
  } finally {
    send.disabled = false;
  }
});
