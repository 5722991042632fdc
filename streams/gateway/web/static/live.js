// A live stream of the gateway (server-sent events), which comes back by itself, and says how it stands.
import { t } from "./page.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Opens the stream at `address`. `on`: a function for each name of event; it gets the event's JSON and the event.
 *  `state`: gets "connecting", "open", "lost" or "paused"; all [data-live-state] of the page show it in any case.
 *  A page that is not seen holds no stream: a browser has few connections for one host. Gives `close()`. */
export function live(address, { on, state = () => {}, whileHidden = false }) {
  let source = null;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  let closed = false;

  function tell(name) {
    for (const each of document.querySelectorAll("[data-live-state]")) {
      each.dataset.liveState = name;
      each.lastElementChild.textContent = t(`web.js.live.${name}`);
    }
    state(name);
  }

  function open() {
    clearTimeout(timer);
    if (closed || source !== null) return;
    tell("connecting");
    source = new EventSource(address);
    source.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
      tell("open");
    });
    source.addEventListener("error", () => {
      if (source === null) return;
      if (source.readyState === EventSource.CONNECTING) {
        tell("lost");
        return;
      }
      stop();
      tell("lost");
      timer = setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    });
    for (const [name, take] of Object.entries(on)) {
      source.addEventListener(name, (event) => {
        take(event.data === "" ? null : JSON.parse(event.data), event);
      });
    }
  }

  function stop() {
    source?.close();
    source = null;
  }

  function seen() {
    if (!document.hidden) open();
    else if (!whileHidden) {
      clearTimeout(timer);
      stop();
      tell("paused");
    }
  }

  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && seen());
  open();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      stop();
    },
  };
}
