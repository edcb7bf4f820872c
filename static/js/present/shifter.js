const PATIENCE_MS = 15_000;
const PANICS = 5;

/**
 * Sends what is wanted: one write in flight, presses in between coalesce to the newest wish. A wish is dropped, with
 * words, where somebody else was faster; panic alone is sent again on top of whatever came between.
 */
export class Shifter {
  #options;
  #stored;
  #digest;
  #wanted;
  #sending = false;
  #panic = 0;
  #looking = false;
  #undoing = false;
  #going = [];
  #sent = 0;

  /** @param {{page: string, httpRoute: number, digest: string, weights: number[], changed: Function, failed: Function}} options */
  constructor(options) {
    this.#options = options;
    this.#digest = options.digest;
    this.#stored = this.#wanted = options.weights;
  }

  /** The newest wish, or what is stored. */
  get wanted() {
    return this.#wanted;
  }

  want(weights) {
    this.#panic = 0;
    this.#undoing = false;
    this.#wish(weights);
  }

  panic(weights) {
    this.#panic = PANICS;
    this.#undoing = false;
    this.#wish(weights);
  }

  /** Go back: a wish that was not sent yet is dropped; what is on its way is undone after it. */
  undo() {
    const unsent = this.#sending && String(this.#wanted) !== String(this.#going);
    if (unsent) return this.#wish(this.#going);
    this.#undoing = this.#sending;
    if (!this.#sending) this.#send("undo", []);
  }

  /** Keep a timed shift. */
  keep() {
    if (!this.#sending) this.#send("keep", []);
  }

  /** The cluster has changed: see what is stored now, unless an answer of ours is about to say it. */
  async look() {
    if (this.#sending || this.#looking) return;
    this.#looking = true;
    const sent = this.#sent;
    try {
      const response = await this.#fetch("", {});
      const answer = await response.json();
      // What was read before a write of ours is old by now.
      if (response.ok && sent === this.#sent) this.#take(answer);
    } catch {
      // The stream says that something is wrong; the next change asks again.
    } finally {
      this.#looking = false;
    }
  }

  #wish(weights) {
    this.#wanted = weights;
    this.#tell();
    if (!this.#sending) this.#sendWish();
  }

  #sendWish() {
    if (this.#undoing) return this.undo();
    if (String(this.#wanted) === String(this.#stored)) return this.#tell();
    this.#send("weights", this.#wanted.map((weight) => ["weight", weight]));
  }

  async #send(what, fields) {
    this.#sending = true;
    this.#going = this.#wanted;
    this.#sent += 1;
    this.#tell();
    try {
      const body = new URLSearchParams([...fields, ["route_digest", this.#digest]]);
      const path = `/http/${this.#options.httpRoute}/${what}`;
      const response = await this.#fetch(path, { method: "POST", body });
      const answer = await response.json();
      // A press while this was on its way is the newer wish; an undo has none.
      if (response.ok) this.#take(answer, what === "weights" ? this.#wanted : undefined);
      else this.#refused(answer.error);
    } catch (error) {
      this.#drop(error.name === "TimeoutError" ? "No answer in 15 s. What was asked may still happen." : "The dashboard can't be reached.");
    }
    this.#sending = false;
    this.#sendWish();
  }

  #refused({ code, message, detail }) {
    if (code === "conflict" && detail.route_digest) {
      this.#digest = detail.route_digest;
      this.#stored = detail.weights;
      if (this.#panic-- > 0) return;
    }
    const page = document.createElement("a");
    Object.assign(page, { href: this.#options.page, textContent: "Its page" });
    this.#drop(code === "owned" ? [`${message} `, page] : message);
  }

  #drop(words) {
    this.#panic = 0;
    this.#undoing = false;
    this.#wanted = this.#stored;
    this.#options.failed(words);
  }

  #take({ http_routes: routes }, wish) {
    const route = routes.find(({ index }) => index === this.#options.httpRoute);
    const weights = route?.destinations.map(({ weight }) => weight);
    if (weights?.length !== this.#stored.length) return location.reload();
    this.#stored = weights;
    this.#wanted = wish ?? weights;
    this.#digest = route.route_digest;
    this.#tell(route.return);
  }

  /** @param waiting what goes back unless it is kept, null where nothing does, undefined where that is not news */
  #tell(waiting) {
    this.#options.changed({ wanted: this.#wanted, sending: this.#sending, waiting });
  }

  #fetch(path, options) {
    const headers = { Accept: "application/json" };
    return fetch(this.#options.page + path, { headers, signal: AbortSignal.timeout(PATIENCE_MS), ...options });
  }
}
