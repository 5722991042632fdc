// A live stream of the gateway (server-sent events), which comes back by itself, and says how it stands.
import { t } from "./page.js";
import { place } from "./places.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const LOOK_EVERY_MS = 1_000;
/** Where other windows have all places, one is asked for again so soon. */
const CROWDED_WAIT_MS = 2_000;
/** Between two looks so much time passes only where the machine slept. */
const ASLEEP_MS = 20_000;

/** Opens the stream at `address`. `on`: a function for each name of event; it gets the event's JSON and the event.
 *  `state`: gets "connecting", "open", "lost", "refused", "crowded" or "paused"; all [data-live-state] of the page show
 *  it in any case. `silentMs`: after so long without an event the stream is taken for dead; 0 where silence is usual.
 *  A page that is not seen holds no stream: a browser has few connections for one host. Gives `close()`. */
export function live(address, { on, state = () => {}, silentMs = 0 }) {
  let source = null;
  let release = null; // gives back its place among this browser's streams
  let asking = false;
  let wait = FIRST_WAIT_MS;
  let again = Infinity; // when it is asked again, where it was refused
  let heard = Date.now();
  let looked = Date.now();
  let last = "";
  let present = "";
  const ended = new AbortController();
  const { signal } = ended;

  function say(name) {
    const seconds = Math.max(1, Math.ceil((again - Date.now()) / 1000));
    for (const each of document.querySelectorAll("[data-live-state]")) {
      each.dataset.liveState = name;
      each.lastElementChild.textContent = t(`web.js.live.${name}`, { seconds });
    }
  }

  function tell(name) {
    present = name;
    say(name);
    state(name);
  }

  function crowded() {
    stop();
    again = Date.now() + CROWDED_WAIT_MS;
    tell("crowded");
  }

  /** turned: the reader turns to this window. */
  async function open(turned = false) {
    if (source !== null || asking) return;
    again = Infinity;
    asking = true;
    release = await place(turned, crowded);
    asking = false;
    if (document.hidden || signal.aborted) stop();
    else if (release === null) crowded();
    else connect();
  }

  function connect() {
    heard = Date.now();
    tell("connecting");
    // What this page has it is not sent again: a browser says so by itself only where it comes back by itself.
    source = new EventSource(last === "" ? address : `${address}${address.includes("?") ? "&" : "?"}last_event_id=${encodeURIComponent(last)}`);
    source.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
      heard = Date.now();
      tell("open");
    });
    source.addEventListener("error", () => {
      if (source === null) return;
      if (source.readyState === EventSource.CONNECTING) {
        tell("lost");
        return;
      }
      // It was answered, and with no stream: a browser gives up then, e.g. on 429 and 503.
      stop();
      again = Date.now() + wait * (0.75 + 0.5 * Math.random());
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      tell("refused");
    });
    for (const [name, take] of Object.entries(on)) {
      source.addEventListener(name, (event) => {
        heard = Date.now();
        last = event.lastEventId;
        take(event.data === "" ? null : JSON.parse(event.data), event);
      });
    }
  }

  function stop() {
    source?.close();
    source = null;
    release?.();
    release = null;
  }

  /** A connection that is of no use any more may look like one on which nothing comes. */
  function anew() {
    if (document.hidden) return;
    wait = FIRST_WAIT_MS;
    stop();
    open();
  }

  function look() {
    const now = Date.now();
    const asleep = now - looked > ASLEEP_MS;
    looked = now;
    if (document.hidden) return;
    if (source === null && now >= again) open();
    else if (source === null) say(present);
    else if (asleep || (silentMs > 0 && now - heard > silentMs)) anew();
  }

  function seen() {
    looked = Date.now();
    if (!document.hidden) open(document.hasFocus());
    else {
      stop();
      again = Infinity;
      tell("paused");
    }
  }

  const timer = setInterval(look, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", seen, { signal });
  addEventListener("pagehide", stop, { signal });
  addEventListener("pageshow", (event) => event.persisted && seen(), { signal });
  addEventListener("focus", () => present === "crowded" && open(true), { signal });
  addEventListener("online", anew, { signal });
  addEventListener("offline", anew, { signal });
  seen();
  return {
    close() {
      ended.abort();
      clearInterval(timer);
      stop();
    },
  };
}
