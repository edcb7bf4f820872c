/** How long a stream may be silent: the server speaks every two seconds. */
const SILENCE_MS = 6_000;
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * The page's one stream of server-sent events, with a reconnect of its own: the browser's gives up for good after an
 * HTTP error. Dispatches `mesh`, `answers` and `shift` with the parsed data, and `cut` with words while it is away.
 */
export class Stream extends EventTarget {
  #address;
  #heard = "";
  #source = null;
  #tries = 0;
  #retry = 0;
  #silence = 0;

  constructor(address) {
    super();
    this.#address = address;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && !this.#source) this.open();
    });
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", ({ persisted }) => persisted && this.open());
  }

  /** Connect, or connect anew: from the last event that was heard on. */
  open() {
    this.#close();
    const address = new URL(this.#address, location);
    address.searchParams.set("last_event_id", this.#heard);
    const source = new EventSource(address);
    this.#source = source;
    for (const name of ["mesh", "answers", "shift"]) {
      source.addEventListener(name, ({ data, lastEventId }) => {
        this.#heard = lastEventId || this.#heard;
        this.#hear(name, JSON.parse(data));
      });
    }
    source.onerror = () => this.#lose(source.readyState === EventSource.CLOSED);
    this.#listen();
  }

  #close() {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lose(false), SILENCE_MS);
  }

  #hear(name, detail) {
    this.#tries = 0;
    this.#listen();
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** An EventSource does not say why it was refused: `refused` asks once by fetch, for how long to wait. */
  async #lose(refused) {
    this.#close();
    const wait = WAITS_MS[Math.min(this.#tries, WAITS_MS.length - 1)] * (0.8 + 0.4 * Math.random());
    this.#tries += 1;
    this.#again(wait, "reconnecting");
    if (!refused) return;
    const response = await fetch(this.#address).catch(() => null);
    await response?.body?.cancel();
    // A proxy's own 503, where nobody is behind it, names no time.
    const seconds = response?.headers.get("Retry-After");
    if (seconds && !this.#source) this.#again(wait + seconds * 1_000, "too many viewers, waiting for a place");
  }

  #again(wait, words) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.open(), wait);
    this.dispatchEvent(new CustomEvent("cut", { detail: { words } }));
  }
}
