// What the page knows of items: asked once, for many at a time.
import { call } from "../web/api.js";

const AT_A_TIME = 200;
const known = new Map();

/** What is known of an item; its id alone where it was not asked for, or nobody has described it. */
export function item(id) {
  return known.get(id) ?? { id, title: id, categories: [], price: null, brand: null, image: null, facts: [] };
}

/** Ask for those that are not known; gives how many. What does not come is shown by its id. */
export async function know(ids) {
  const missing = [...new Set(ids)].filter((id) => !known.has(id));
  if (missing.length === 0) return 0;
  const parts = [];
  for (let k = 0; k < missing.length; k += AT_A_TIME) parts.push(missing.slice(k, k + AT_A_TIME));
  await Promise.all(
    parts.map(async (part) => {
      try {
        const answer = await call("POST", "/demo/items", { ids: part });
        for (const each of answer.items) known.set(each.id, each);
      } catch {
        // They are asked for again when they are shown again.
      }
    }),
  );
  return missing.length;
}

/** The categories of what is known, those with most items first. */
export function categories(most) {
  const counts = new Map();
  for (const each of known.values()) {
    for (const name of each.categories) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).slice(0, most).map(([name]) => name);
}
