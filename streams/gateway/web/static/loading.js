// What a page says of its modules while they aren't there. A classic script: it runs before they do, and without them.
//   data-awaits: what does nothing without its module is disabled until that calls `ready` of web/page.js.
//   #unready: said where a module can't be had, or has failed; its `data-slow` where it takes long.
(() => {
  const SLOW_MS = 5_000;
  let trouble = false;

  const awaits = () => document.querySelector("[data-awaits]") !== null;

  function say(words) {
    const box = document.getElementById("unready");
    if (box === null) return;
    box.querySelector("p").textContent = words(box.dataset);
    box.hidden = false;
  }

  function failed() {
    trouble = true;
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", failed, { once: true });
    else say(({ failed }) => failed);
  }

  addEventListener("error", ({ target }) => {
    if (target instanceof HTMLScriptElement || (target === window && (document.readyState === "loading" || awaits()))) failed();
  }, { capture: true });
  setTimeout(() => {
    if (!trouble && awaits()) say(({ slow }) => slow);
  }, SLOW_MS);
  document.addEventListener("ready", () => {
    const box = document.getElementById("unready");
    if (!trouble && box !== null) box.hidden = true;
  });
})();
