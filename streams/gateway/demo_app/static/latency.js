// How long it takes from a click to the changed feed on the screen, measured where it counts: in the page.

const KEPT = 40;
const LONG_MS = 2_000;

/** The difference of the gateway's clock to the page's, in ms: 0 where its `at` lies between asking and the answer. */
export function clockOffset(asked, answered, at) {
  if (at >= asked && at <= answered) return 0;
  return at - (asked + answered) / 2;
}

/** A quantile by linear interpolation; NaN of nothing. */
export function quantile(values, share) {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

/** Milliseconds since 1970, finer than Date.now(). */
export function now() {
  return performance.timeOrigin + performance.now();
}

/** Once what is in the page now has been painted. A page that is not seen paints nothing, and is not waited for. */
export function painted() {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(now()), 1_000);
    requestAnimationFrame(() => {
      const channel = new MessageChannel(); // its message comes behind the frame
      channel.port1.onmessage = () => {
        clearTimeout(late);
        resolve(now());
      };
      channel.port2.postMessage(null);
    });
  });
}

/** Acts that wait for their feed, and how long those took that have it. All times as of `now()`. */
export class Latencies {
  constructor() {
    this.waiting = new Map();
    this.done = [];
  }

  /** An act at `clicked`, sent as the event `id`. */
  began(id, clicked, what) {
    this.waiting.set(id, { id, clicked, what, asked: clicked, answered: null });
  }

  /** The gateway has the event. */
  accepted(id, answered) {
    const act = this.waiting.get(id);
    if (act !== undefined) act.answered = answered;
  }

  /** The event did not get there. */
  failed(id) {
    this.waiting.delete(id);
  }

  /** The acts that are in a feed for the first time, in their order: the one that led to it is the last, and what
   *  was done before it is in it as well. Of a feed that something else led to, those that waited for long. */
  ledTo(feed, at = now()) {
    const cause = this.waiting.get(feed.cause);
    const until = cause?.clicked ?? at - LONG_MS;
    const acts = [...this.waiting.values()].filter((each) => each.clicked <= until).sort((a, b) => a.clicked - b.clicked);
    for (const each of acts) this.waiting.delete(each.id);
    return acts;
  }

  /** Notes an act whose feed is on the screen at `seen`; gives its parts, in ms since the click. When the gateway had
   *  it, is known of the one alone that led to the feed. */
  note(act, feed, arrived, seen) {
    const { made } = feed.times;
    const accepted = act.id === feed.cause ? feed.times.accepted : undefined;
    const offset = accepted === undefined ? 0 : clockOffset(act.asked, act.answered ?? arrived, accepted);
    const since = (at) => (at === undefined ? null : Math.max(0, at - offset - act.clicked));
    const sample = { what: act.what, accepted: since(accepted), made: since(made), arrived: arrived - act.clicked, seen: seen - act.clicked };
    this.done = [...this.done, sample].slice(-KEPT);
    return sample;
  }

  /** What has waited for longer than `ms`. */
  late(ms, at) {
    return [...this.waiting.values()].filter((each) => at - each.clicked > ms);
  }

  quantile(share) {
    return quantile(this.done.map((each) => each.seen), share);
  }
}
