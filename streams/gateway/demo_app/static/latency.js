// How long it takes from a click to the changed feed on the screen, measured where it counts: in the page.

const KEPT = 40;

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

  /** The act that led to a feed, or null. What was done before it is in the feed as well, and waits no longer. */
  ledTo(feed) {
    const act = this.waiting.get(feed.cause);
    if (act === undefined) return null;
    for (const each of [...this.waiting.values()]) {
      if (each.clicked <= act.clicked) this.waiting.delete(each.id);
    }
    return act;
  }

  /** Notes one that is on the screen at `seen`; gives its parts, in ms since the click. */
  note(act, feed, arrived, seen) {
    const { accepted, made } = feed.times;
    const offset = clockOffset(act.asked, act.answered ?? arrived, accepted ?? act.asked);
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
