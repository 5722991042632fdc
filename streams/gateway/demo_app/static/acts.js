// What the visitor does becomes an event, sent as an app would send it.
import { call, Problem } from "../web/api.js";
import { toast } from "../web/page.js";
import { now } from "./latency.js";
import { unique } from "./visitors.js";

/** Sends acts of one visitor; `latencies` measures them. `told(act, state)` hears "sent", "accepted" or "failed". */
export class Acts {
  constructor(user, latencies, told) {
    this.user = user;
    this.latencies = latencies;
    this.told = told;
  }

  /** A click, or another action on an item: "click", "like", "dislike". `place`: where it was shown, see cards.js. */
  action(place, action) {
    return this.#send({ type: "click", action, ...from(place) }, place.item, action);
  }

  /** A rating from 1 to 5, words, or both. */
  review(place, rating, text) {
    const { query: _, ...where } = from(place);
    const said = { type: "review", text, ...where };
    if (rating !== null) said.rating = rating;
    return this.#send(said, place.item, text === "" ? "rate" : "review");
  }

  async #send(event, item, what) {
    const clicked = now();
    const id = unique();
    const act = { id, item, what, at: Date.now() };
    this.latencies.began(id, clicked, act);
    this.told(act, "sent");
    try {
      await call("POST", "/v1/events", { event_id: id, ts: act.at, user_id: this.user, ...event });
      this.latencies.accepted(id, now());
      this.told(act, "accepted");
      return true;
    } catch (error) {
      this.latencies.failed(id);
      this.told(act, "failed");
      if (!(error instanceof Problem)) throw error;
      toast(error.words, "bad");
      return false;
    }
  }
}

/** Where it was shown, as events say it. A preview of an arm was shown to nobody, so its slate is not answered. */
function from({ key, slateId, position, surface, query, preview }) {
  const said = { item_id: key };
  if (slateId && !preview) Object.assign(said, { slate_id: slateId, position });
  if (surface && surface !== "feed") said.surface = surface;
  if (query) said.query = query;
  return said;
}
