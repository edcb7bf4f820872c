/** The split as one bar: the weights that are wanted, and whether they are still on their way. */
export class Split {
  #host;
  #segments;

  /** @param {HTMLElement} host holds the bar as the server drew it */
  constructor(host) {
    this.#host = host;
    this.#segments = [...host.querySelectorAll(".segment")];
  }

  /** How many destinations there are. */
  get size() {
    return this.#segments.length;
  }

  /** @param {number[]} weights @param {boolean} sending */
  show(weights, sending) {
    this.#host.dataset.sending = sending ? "yes" : "no";
    const whole = weights.reduce((left, right) => left + right, 0) || 1;
    const names = weights.map((weight, place) => {
      const segment = this.#segments[place];
      segment.style.flexGrow = Math.max((100 * weight) / whole, weight ? 1 : 0);
      segment.classList.toggle("t0", !weight);
      segment.classList.toggle("u0", !weight);
      segment.querySelector("i").textContent = weight;
      return `${segment.querySelector("b").textContent} ${weight}`;
    });
    this.#host.querySelector(".bar").setAttribute("aria-label", names.join(", "));
  }
}
