// Numbers that look random and are the same each time for the same text.

/** A text as a whole number of 32 bits: FNV-1a over its UTF-8, then the last steps of MurmurHash3. */
export function hash(text) {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Draws from a seed: a function that gives numbers from `low` to `high`. A Weyl sequence through `hash`'s mixing. */
export function chance(seed) {
  let at = seed >>> 0;
  return (low = 0, high = 1) => {
    at = (at + 0x9e3779b9) >>> 0;
    let h = Math.imul(at ^ (at >>> 16), 0x21f0aaad);
    h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
    return low + ((high - low) * ((h ^ (h >>> 15)) >>> 0)) / 4294967296;
  };
}
