import { rebalance } from "../rebalance.js";
import { Stream } from "../stream.js";
import { isFailure } from "../window.js";
import { Rain } from "./rain.js";
import { Shifter } from "./shifter.js";
import { Split } from "./split.js";

const { dataset } = document.body;
const byId = (id) => document.getElementById(id);
const httpRoute = Number(dataset.httpRoute);
const split = new Split(byId("split"));
const rain = new Rain(byId("rain"));
const say = (words) => byId("message").replaceChildren(...[].concat(words));

const shifter = new Shifter({
  page: dataset.page,
  httpRoute,
  digest: dataset.digest,
  weights: dataset.weights.split(" ").map(Number),
  changed: ({ wanted, sending }) => split.show(wanted, sending),
  failed: say,
});

/* What the gateway answers. */
const lately = [];
const stream = new Stream(dataset.stream);
stream.addEventListener("answers", ({ detail }) => {
  if (detail.http_route !== httpRoute) return;
  lately.push(...detail.window);
  lately.splice(0, lately.length - 200);
  rain.add(detail.versions, detail.reset ? detail.window.slice(-50) : detail.window);
  byId("verdict").dataset.verdict = detail.verdict;
  byId("verdict-words").textContent = detail.verdict_text || "No answers yet.";
  byId("effect").textContent = detail.effect_text;
  byId("rain").setAttribute("aria-label", `Answers of the gateway: ${tally(lately)}`);
});
stream.addEventListener("shift", ({ detail }) => detail.http_route === httpRoute && shifter.look());
stream.addEventListener("mesh", ({ detail }) => {
  const { revision, state, text } = detail;
  byId("cluster").dataset.state = state;
  byId("cluster-words").textContent = text;
  if (dataset.revision !== String(revision)) shifter.look();
  dataset.revision = revision;
});
stream.addEventListener("cut", ({ detail }) => {
  byId("cluster").dataset.state = "stale";
  byId("cluster-words").textContent = detail.words;
});
stream.open();

function tally(answers) {
  const counts = new Map();
  for (const [, , version, kind] of answers) {
    const name = isFailure(kind) ? "failed" : (version ?? "not identified");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort().map(([name, count]) => `${name} ${count}`).join(", ") || "none yet";
}

/* The keys. The last destination is the new version, the first the old one. */
const total = Number(dataset.total);
const to = (choose) => () => {
  const weights = shifter.wanted;
  const last = weights.length - 1;
  const value = Math.round(choose(weights[last], total));
  shifter.want(rebalance(weights, last, Math.min(Math.max(value, 0), total), [], total));
};
const step = (points) => to((weight) => weight + (points * total) / 100);
const keys = {
  ArrowRight: step(10),
  ArrowLeft: step(-10),
  PageDown: step(10),
  PageUp: step(-10),
  "Shift+ArrowRight": step(1),
  "Shift+ArrowLeft": step(-1),
  Enter: to(() => total),
  Backspace: () => shifter.undo(),
  p: () => shifter.panic(shifter.wanted.map((_, place) => (place ? 0 : total))),
  " ": () => rain.hold(),
  "?": () => show("keys"),
  ...Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [digit, to(() => (digit * total) / 10)])),
};

function show(id) {
  byId(id).showModal();
}

if (dataset.presenter === "yes") {
  byId("show-keys").addEventListener("click", () => show("keys"));
  byId("show-audience").addEventListener("click", () => show("audience"));
  document.addEventListener("keydown", (event) => {
    const pressed = event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key;
    const act = keys[pressed] ?? keys[pressed.toLowerCase()];
    const elsewhere = event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]");
    // A focused button keeps the keys that press it.
    const pressing = event.target.closest("button, a") && [" ", "Enter"].includes(event.key);
    if (!act || elsewhere || pressing) return;
    event.preventDefault();
    say([]);
    act();
  });
}
document.addEventListener("crossfade:theme", () => rain.reset());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => rain.reset());
