import { FAILURES } from "../window.js";

/** The server speaks every two seconds, the gateway several times a second: longer silence means something. */
const QUIET_MS = 3_500;
const SILENT_GATEWAY_MS = 2_000;
const SLOW_WRITE_MS = 1_500;
const LOOK_MS = 250;
const NOT_REACHED = new Set(FAILURES.at(-1).kinds);

/** What is wrong right now, in words whose seconds go on by this page's own clock, whoever has fallen silent. */
export class Trouble {
  #host;
  #heardAt = performance.now();
  #answeredAt = null;
  #sendingSince = null;
  #liveAt = null;
  #lostAt = null;
  #cut = "";

  /** @param {HTMLElement} host takes the words */
  constructor(host) {
    this.#host = host;
    setInterval(() => this.#draw(), LOOK_MS);
  }

  /** The stream has spoken, so it is there. */
  heard() {
    this.#heardAt = performance.now();
    this.#cut = "";
  }

  /** The stream is away. @param {string} words why */
  cut(words) {
    this.#cut = words;
  }

  /** @param {{state: string, age_seconds: number}} cluster as the stream says how it stands */
  mesh({ state, age_seconds: age }) {
    const now = performance.now();
    if (state === "live") [this.#liveAt, this.#lostAt] = [now, null];
    // How old the oldest part of the picture is may be more: a quiet kind was not heard of before, either.
    else this.#lostAt ??= this.#liveAt ?? now - age * 1_000;
  }

  /** @param {string} state of the sampler @param {Array[]} answers that are new */
  answers(state, answers) {
    const running = state === "running";
    if (!running || this.#answeredAt === null || answers.some(([, , , kind]) => !NOT_REACHED.has(kind))) {
      this.#answeredAt = running ? performance.now() : null;
    }
  }

  /** @param {boolean} sending whether a write is on its way */
  sending(sending) {
    this.#sendingSince = sending ? (this.#sendingSince ?? performance.now()) : null;
  }

  #draw() {
    const words = this.#words().join(" ");
    if (this.#host.textContent !== words) this.#host.textContent = words;
  }

  #words() {
    const now = performance.now();
    const seconds = (since) => `${Math.floor((now - since) / 1_000)} s`;
    const late = (since, limit) => since !== null && now - since > limit;
    const sending = late(this.#sendingSince, SLOW_WRITE_MS)
      ? [`The API server has not answered for ${seconds(this.#sendingSince)}: the shift is on its way.`]
      : [];
    if (this.#cut || late(this.#heardAt, QUIET_MS)) {
      const why = this.#cut && this.#cut !== "reconnecting" ? `: ${this.#cut}` : "";
      return [`No word from the dashboard for ${seconds(this.#heardAt)}${why}. This is the last it said.`, ...sending];
    }
    const found = [];
    if (this.#lostAt !== null) found.push(`No word from the API server for ${seconds(this.#lostAt)}: nobody can shift now.`);
    else found.push(...sending);
    if (late(this.#answeredAt, SILENT_GATEWAY_MS)) found.push(`The gateway has not answered for ${seconds(this.#answeredAt)}.`);
    return found;
  }
}
