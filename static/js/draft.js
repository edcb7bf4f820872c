import { apportion, rebalance } from "./rebalance.js";

const same = (left, right) => left.length === right.length && left.every((value, each) => value === right[each]);

/**
 * What a person has in mind for one route, beside what is stored. A gesture is a row of moves of one slider (or of
 * presets); it counts from where it began, so that 0/0 forgets no ratio and the way back restores the split.
 */
export class Draft {
  weights = null;
  locked = new Set();
  /** Somebody else's weights are `stored` now; the draft still stands on `digest`. */
  conflict = false;
  #gesture = null;

  /** @param {{weights: number[], digest: string, total: number}} route */
  constructor(route) {
    this.take(route);
  }

  /** What is shown: the draft, else what is stored. */
  get current() {
    return this.weights ?? this.stored;
  }

  /** Move one weight. `kind` tells gestures apart. */
  move(index, value, kind = "slider") {
    if (this.locked.has(index)) return;
    const gesture = `${kind} ${index}`;
    if (this.#gesture?.name !== gesture) this.#gesture = { name: gesture, from: this.current };
    this.#set(rebalance(this.#gesture.from, index, value, this.locked, this.total));
  }

  /** Keep the split, on another scale. */
  rescale(total) {
    this.#gesture = null;
    this.#set(apportion(total, this.current));
    this.total = total;
  }

  /** Exchange the weights of two destinations. */
  swap() {
    if (this.locked.size || this.current.length !== 2) return;
    this.#gesture = null;
    this.#set([...this.current].reverse());
  }

  /** Hold a weight, or let it go. */
  lock(index) {
    if (!this.locked.delete(index)) this.locked.add(index);
    this.#gesture = null;
  }

  /** Forget the draft: what is stored counts. */
  reset() {
    this.weights = null;
    this.conflict = false;
    this.digest = this.newest;
    this.total = this.scale;
    this.#gesture = null;
  }

  /** End the gesture: the next move counts from what is shown. */
  settle() {
    this.#gesture = null;
  }

  /** Stand on what is stored now, and keep the draft. */
  rebase() {
    this.digest = this.newest;
    this.conflict = false;
  }

  /**
   * Take in what the server says is stored.
   * @param {{weights: number[], digest: string, total: number}} route
   * @param {?number[]} sent the weights that we have under way: then this is our own change, not somebody else's
   * @returns {"same" | "followed" | "ours" | "theirs" | "reshaped"} the last: a draft was dropped, for it fits no more
   */
  take({ weights, digest, total }, sent = null) {
    if (digest === this.newest && this.stored && same(weights, this.stored)) return "same";
    const fits = this.stored?.length === weights.length && [this.scale, this.total].includes(total);
    const ours = sent !== null && same(sent, weights);
    [this.stored, this.newest, this.scale] = [weights, digest, total];
    if (!fits) {
      const reshaped = this.weights !== null;
      this.locked.clear();
      this.reset();
      return reshaped ? "reshaped" : "followed";
    }
    if (!this.weights || same(this.weights, weights)) {
      const gesture = ours ? this.#gesture : null;
      this.reset();
      this.#gesture = gesture;
      return ours ? "ours" : "followed";
    }
    if (ours) this.rebase();
    else this.conflict = true;
    return ours ? "ours" : "theirs";
  }

  #set(weights) {
    this.weights = same(weights, this.stored) && !this.conflict ? null : weights;
  }
}
