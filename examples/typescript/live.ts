// A page that follows a feed: no dependency, and served from the host that stands before the gateway.

/** One place of a feed; all fields are in /schema (Feed). */
export type Item = { item_id: string; score: number; source: string; feed: "own" | "popular" };
export type Feed = { user_id: string; slate_id: string; rung: string; cause: string; items: Item[] };

const AGAIN_MS = 3_000;

/**
 * Calls `show` with the present feed, and with each new one as it is made. Returns what ends it.
 *
 * A browser reconnects by itself, with the id of the last event, unless the answer was no stream (503, 429): then
 * it gives up, and this begins anew.
 */
export function follow(user: string, n: number, show: (feed: Feed) => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = "";

  function open(): void {
    const known = last ? `&last_event_id=${encodeURIComponent(last)}` : "";
    source = new EventSource(`/v1/users/${encodeURIComponent(user)}/live?n=${n}${known}`);
    source.addEventListener("feed", (event) => {
      last = event.lastEventId;
      const feed = JSON.parse(event.data) as Feed;
      show(feed);
      seen(feed);
    });
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS * (0.5 + Math.random()));
    };
  }

  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

/** A feed is an impression once somebody can see it: not in a tab in the background. */
function seen(feed: Feed): void {
  if (document.visibilityState !== "visible" || feed.items.length === 0) return;
  const impression = {
    type: "impression", event_id: crypto.randomUUID(), ts: Date.now(), user_id: feed.user_id,
    slate_id: feed.slate_id, items: feed.items.map((item) => item.item_id),
  };
  void fetch("/v1/events", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(impression), keepalive: true,
  });
}
