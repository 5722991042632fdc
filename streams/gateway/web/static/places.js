// How many live streams one browser holds. It has six connections for a gateway, and a stream keeps one for itself: with
// six live windows in sight no other page would load, and no button would be answered. So all windows share four places.

const PLACES = 4;

/** Takes a place and holds it. Gives how to give it back, or null where it is not to be had; `lost` is told where
 *  another window takes it. */
function hold(at, options, lost) {
  return new Promise((resolve) => {
    const held = (lock) => (lock === null ? resolve(null) : new Promise((release) => resolve(release)));
    navigator.locks.request(`headrace-live-${at}`, options, held).catch(lost);
  });
}

/** A place for a stream: gives how to give it back, or null where other windows have all. With `turned`, the reader has
 *  just turned to this window: then it takes the place of another one, whose `lost` is told.
 *  A browser has no locks on an address without TLS that is not this machine's: there each window has a place. */
export async function place(turned, lost) {
  if (navigator.locks === undefined) return () => {};
  for (let at = 0; at < PLACES; at += 1) {
    const release = await hold(at, { ifAvailable: true }, lost);
    if (release !== null) return release;
  }
  return turned ? hold(Math.floor(PLACES * Math.random()), { steal: true }, lost) : null;
}
