/** A timed shift on the stage: where it goes back to, and when, unless somebody keeps it. */
export class Returns {
  #host;
  #ends = 0;
  #clock = 0;

  /** @param {HTMLElement} host its parts are `back` and `left` */
  constructor(host) {
    this.#host = host;
  }

  /** @param {?{weights: number[], seconds: number}} waiting null where nothing goes back */
  show(waiting) {
    clearInterval(this.#clock);
    this.#host.hidden = !waiting;
    if (!waiting) return;
    this.#ends = performance.now() + 1_000 * waiting.seconds;
    this.#part("back").textContent = waiting.weights.join("/");
    this.#count();
    this.#clock = setInterval(() => this.#count(), 250);
  }

  #count() {
    const left = Math.max(0, Math.ceil((this.#ends - performance.now()) / 1_000));
    this.#part("left").textContent = `${left} s`;
  }

  #part(name) {
    return this.#host.querySelector(`[data-part=${name}]`);
  }
}
