/** Long enough for every gateway to have the shift. */
const PROOF_AFTER_MS = 3000;
/** Each may take another destination of the split; all have to be right. */
const PROOFS = 5;

/**
 * A shift that goes back unless somebody keeps it: counts down from the server's deadline, whatever this clock says.
 *
 * Where the route serves this very page (`data-own` is the page's address), being reached is what keeps it: the page asks
 * for itself again, and nobody who is locked out can.
 */
class ReturnBanner extends HTMLElement {
  static observedAttributes = ["data-seconds", "data-at"];
  #ends = 0;
  #clock = 0;
  #proof = 0;

  connectedCallback() {
    this.#clock = setInterval(() => this.#count(), 250);
    this.#later();
  }

  disconnectedCallback() {
    clearInterval(this.#clock);
    clearTimeout(this.#proof);
  }

  attributeChangedCallback(name) {
    this.#ends = performance.now() + 1000 * Number(this.dataset.seconds);
    if (name === "data-at" && this.isConnected) this.#later();
  }

  #count() {
    const left = Math.max(0, Math.ceil((this.#ends - performance.now()) / 1000));
    const words = `${left} s`;
    const place = this.querySelector("[data-part=left]");
    if (place.textContent !== words) place.textContent = words;
  }

  #later() {
    clearTimeout(this.#proof);
    if (this.dataset.own) this.#proof = setTimeout(() => this.#keep(), PROOF_AFTER_MS);
  }

  /** What has not come by now is asked for again, as long as the banner is there. */
  async #keep() {
    const form = this.querySelector("form[id$=-keep]");
    try {
      for (let each = 0; form && each < PROOFS; each += 1) await this.#prove(form.elements.route_digest.value);
      if (form && this.isConnected) form.requestSubmit();
    } catch {
      if (this.isConnected) this.#later();
    }
  }

  /** Another page than ours that answers 200 is no proof: it has to show the very route. */
  async #prove(digest) {
    const { own, section, index } = this.dataset;
    const headers = { Accept: "application/json" };
    const answer = await fetch(own, { headers, cache: "no-store", signal: AbortSignal.timeout(5000) });
    const page = await answer.json();
    if (page[`${section}_routes`][index].route_digest !== digest) throw new Error("not the route that is shown");
  }
}

customElements.define("return-banner", ReturnBanner);
