// An app's back end in TypeScript: all types come from the gateway's own schema (npm run types).
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];
type Item = components["schemas"]["ItemBody"];

const gateway = process.env.HEADRACE ?? "http://127.0.0.1:8080";
// Some routes answer NDJSON too, where they are asked for it.
const api = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: gateway });

/** What was answered, or an error that says what to do. */
function told<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data !== undefined) return answer.data;
  const problem = answer.error as Problem;
  throw new Error(`${answer.response.status} ${problem.reason}: expected ${problem.expected}; ${problem.remedy}`);
}

/** Ask until the answer is as it will be: workers and rankers follow within a fraction of a second. */
async function soon<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const answer = await ask();
    if (fits(answer) || attempt === 100) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

// 1. Put an item. Its ETag names what was written.
const item = { params: { path: { item_id: "tuner" } } };
const put = await api.PUT("/v1/items/{item_id}", {
  ...item,
  body: { title: "Clip-on tuner", categories: ["accessories"], price: 14.9 },
});
console.log("put", told(put).title, put.response.headers.get("etag"));

// 2. Change its price, only if nobody else has changed the item meanwhile.
const patched = await api.PATCH("/v1/items/{item_id}", {
  params: { ...item.params, header: { "If-Match": put.response.headers.get("etag") ?? "" } },
  body: { price: 12.5 },
});
console.log("patched", told(patched).price);

// 3. Put items in bulk: a stream of lines, each of which is answered by a line.
const goods: Item[] = [
  { item_id: "ear", title: "蓝牙耳机 无线降噪", categories: ["耳机"], price: 300 },
  { item_id: "wire", title: "有线耳机", categories: ["耳机"], price: 30 },
  { item_id: "strap", title: "Leather strap", categories: ["accessories"], price: 29 },
  { item_id: "capo", title: "Capo for steel strings", categories: ["accessories"], price: 12 },
];
const bulk = await api.POST("/v1/items", {
  headers: { "Content-Type": "application/x-ndjson" },
  body: goods.map((each) => JSON.stringify(each) + "\n").join(""),
  bodySerializer: (lines) => lines,
  parseAs: "text",
});
const lines: components["schemas"]["LineAnswer"][] = (bulk.data ?? "").trim().split("\n").map((line) => JSON.parse(line));
console.log("in bulk", lines.filter((line) => line.status === "accepted").length, "accepted");

// 4. Send what a user did; under its key the request counts once, however often it is sent.
const click = {
  type: "click" as const, event_id: crypto.randomUUID(), ts: Date.now(), user_id: "ann", item_id: "tuner",
};
for (const attempt of [1, 2]) {
  const sent = await api.POST("/v1/events", {
    params: { header: { "Idempotency-Key": click.event_id } },
    body: click,
  });
  const again = sent.response.headers.get("idempotent-replayed") ?? "false";
  console.log("sent", attempt, sent.response.status, "replayed:", again);
}

// 5. Read the feed: it follows the click. A number out of range is refused in words.
const ann = { path: { user_id: "ann" } };
const feed = await soon(
  async () => told(await api.GET("/v1/users/{user_id}/feed", { params: { ...ann, query: { n: 5 } } })),
  (read) => read.cause === click.event_id,
);
console.log("feed", feed.rung, feed.items.map((place) => `${place.item_id} (${place.reason.kind})`));
const refused = await api.GET("/v1/users/{user_id}/feed", { params: { ...ann, query: { n: 0 } } });
console.log("refused", refused.response.status, (refused.error as Problem).remedy);

// 6. Search, and rank candidates of your own: ids, or items with fields that count in this request alone.
const found = await soon(
  async () => told(await api.GET("/v1/search", { params: { query: { q: "蓝牙耳机", impression: false } } })),
  (slate) => slate.items.length > 0,
);
console.log("found 蓝牙耳机", found.items[0]?.item_id);
const ranked = told(await api.POST("/v1/rank", {
  body: { user_id: "ann", items: ["strap", { item_id: "capo", price: 9.9, boost: 0.5 }], impression: false },
}));
console.log("ranked", ranked.items.map((place) => `${place.item_id} ${place.score}`));

// 7. All items, a page at a time.
let cursor: string | undefined = "";
while (cursor !== undefined) {
  const page: components["schemas"]["ItemPage"] = told(await api.GET("/v1/items", { params: { query: { n: 2, cursor } } }));
  for (const each of page.items) console.log("item", each.item_id, each.price, each.available);
  cursor = page.cursor ?? undefined;
}
