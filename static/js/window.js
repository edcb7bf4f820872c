/* The answers of the last minute and what they add up to, second by second: plain values, no page. */
export const SECONDS = 60;
export const LAST = 200;

/** Failures by what broke: from the app to the gateway itself. Other kinds are answers like any other. */
export const FAILURES = [
  { name: "5xx of the app", kinds: ["app_error"] },
  { name: "no healthy pods", kinds: ["no_healthy_upstream", "no_route"] },
  { name: "broken in the mesh", kinds: ["upstream_failure", "upstream_timeout", "gateway_error"] },
  { name: "gateway not reached", kinds: ["dns", "refused", "reset", "tls", "timeout"] },
];
const failureOf = new Map(FAILURES.flatMap(({ kinds }, place) => kinds.map((kind) => [kind, place])));

/** Whether a caller would call this kind of answer an error. */
export const isFailure = (kind) => failureOf.has(kind);

/** An answer as the stream writes it: [sequence, Unix time, version or null, kind, milliseconds]. */
export class AnswerWindow {
  #answers = [];
  #since = 0;

  /** Take in new answers; `reset` means that they are the whole window. */
  add(answers, reset, now) {
    const newest = reset ? -Infinity : (this.#answers.at(-1)?.[0] ?? -Infinity);
    const kept = reset ? [] : this.#answers;
    const all = [...kept, ...answers.filter(([sequence]) => sequence > newest)];
    this.#since = now - SECONDS;
    this.#answers = all.filter(([, at], each) => at >= this.#since - 2 || each >= all.length - LAST);
  }

  /** The last 200 answers, oldest first, however old they are. */
  get recent() {
    return this.#answers.slice(-LAST);
  }

  /** The answers of the last minute. */
  get minute() {
    return this.#answers.filter(([, at]) => at >= this.#since);
  }

  /**
   * Stack the layers, in percent: the versions in order, what no version could be told for, then FAILURES.
   * @param {string[]} versions
   * @returns {[number[], ...(number|null)[][]]} seconds, then a row of upper edges a layer; null: no answers
   */
  columns(versions, now) {
    const layers = versions.length + 1 + FAILURES.length;
    const first = Math.floor(now) - SECONDS - 1;
    const seconds = Array.from({ length: SECONDS + 2 }, (_, each) => first + each);
    const counts = seconds.map(() => new Uint16Array(layers));
    for (const [, at, version, kind] of this.#answers) {
      const count = counts[Math.floor(at) - first];
      if (count) count[layerOf(version, kind, versions)] += 1;
    }
    const rows = Array.from({ length: layers }, () => new Array(seconds.length).fill(null));
    counts.forEach((count, second) => {
      const whole = count.reduce((left, right) => left + right, 0);
      let edge = 0;
      for (let layer = 0; whole && layer < layers; layer++) {
        edge += count[layer];
        rows[layer][second] = (100 * edge) / whole;
      }
    });
    return [seconds, ...rows];
  }

  /** Say in words what these answers are. */
  words(answers) {
    const tally = new Map();
    for (const [, , version, kind] of answers) {
      const name = isFailure(kind) ? "failed" : (version ?? "not identified");
      tally.set(name, (tally.get(name) ?? 0) + 1);
    }
    return [...tally].sort().map(([name, answers]) => `${name} ${answers}`).join(", ") || "none yet";
  }
}

function layerOf(version, kind, versions) {
  const failure = failureOf.get(kind);
  if (failure !== undefined) return versions.length + 1 + failure;
  const place = versions.indexOf(version);
  return place < 0 ? versions.length : place;
}
