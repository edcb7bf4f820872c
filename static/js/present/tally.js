import { isFailure } from "../window.js";

const SECONDS = 10;
const MOST = 600;
/** The time that nineteen of twenty answers keep within. */
const QUANTILE = 0.95;

/** What the answers of the last ten seconds add up to, beside each version's name. */
export class Tally {
  #host;
  #answers = [];

  /** @param {HTMLElement} host holds a place a version, and one for what no version is known of */
  constructor(host) {
    this.#host = host;
  }

  /** @param {Array[]} answers as the stream writes them @param {number} now Unix time of the stream @param {boolean} reset */
  add(answers, now, reset) {
    const kept = reset ? [] : this.#answers;
    this.#answers = [...kept, ...answers].filter(([, at]) => at > now - SECONDS).slice(-MOST);
    const byVersion = Map.groupBy(this.#answers, ([, , version]) => version ?? "");
    for (const place of this.#host.children) {
      const { version } = place.dataset;
      const mine = byVersion.get(version) ?? [];
      place.hidden = !version && !mine.length;
      place.querySelector("i").textContent = words(mine);
      place.classList.toggle("failing", mine.some(([, , , kind]) => isFailure(kind)));
    }
  }

  /** All of it in words. */
  get words() {
    const counts = Map.groupBy(this.#answers, ([, , version, kind]) => (isFailure(kind) ? "failed" : (version ?? "not identified")));
    return [...counts].map(([name, { length }]) => `${name} ${length}`).sort().join(", ") || "none yet";
  }
}

function words(answers) {
  if (!answers.length) return "no answers";
  const times = answers.map((answer) => answer[4]).sort((left, right) => left - right);
  const slow = times[Math.min(Math.floor(times.length * QUANTILE), times.length - 1)];
  const failed = answers.filter(([, , , kind]) => isFailure(kind)).length;
  const errors = failed ? ` · ${failed} error${failed === 1 ? "" : "s"}` : "";
  return `${answers.length} answer${answers.length === 1 ? "" : "s"} · ${Math.round(slow)} ms${errors}`;
}
