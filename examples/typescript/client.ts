// An app's back end in TypeScript: all types come from the gateway's own schema (npm run types).
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];

const gateway = process.env.HEADRACE ?? "http://127.0.0.1:8080";
// Some routes answer NDJSON too, where they are asked for it.
const api = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: gateway });

/** What was answered, or an error that says what to do. */
function told<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data !== undefined) return answer.data;
  const problem = answer.error as Problem;
  throw new Error(`${answer.response.status} ${problem.reason}: expected ${problem.expected}; ${problem.remedy}`);
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

// 3. Send what a user did; under its key the request counts once, however often it is sent.
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

// 4. Read the feed. A number out of range is refused in words.
const feed = told(await api.GET("/v1/users/{user_id}/feed", { params: { path: { user_id: "ann" }, query: { n: 5 } } }));
console.log("feed", feed.rung, feed.items.map((place) => `${place.item_id} (${place.reason.kind})`));
const refused = await api.GET("/v1/users/{user_id}/feed", { params: { path: { user_id: "ann" }, query: { n: 0 } } });
console.log("refused", refused.response.status, (refused.error as Problem).remedy);

// 5. All items, a page at a time.
let cursor: string | undefined = "";
while (cursor !== undefined) {
  const page: components["schemas"]["ItemPage"] = told(await api.GET("/v1/items", { params: { query: { n: 2, cursor } } }));
  for (const each of page.items) console.log("item", each.item_id, each.price, each.available);
  cursor = page.cursor ?? undefined;
}
