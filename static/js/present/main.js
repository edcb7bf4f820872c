import { rebalance } from "../rebalance.js";
import { Stream } from "../stream.js";
import { projector } from "./projector.js";
import { Rain } from "./rain.js";
import { Returns } from "./returns.js";
import { Shifter } from "./shifter.js";
import { Split } from "./split.js";
import { Tally } from "./tally.js";
import { Trouble } from "./trouble.js";

/** Phones that have to load the page again do so one after the other. */
const SPREAD_MS = 5_000;

const { dataset } = document.body;
const byId = (id) => document.getElementById(id);
const presenter = dataset.presenter === "yes";
const httpRoute = Number(dataset.httpRoute);
const split = new Split(byId("split"));
const rain = new Rain(byId("rain"));
const tally = new Tally(byId("tally"));
const trouble = new Trouble(byId("trouble"));
const returns = new Returns(byId("return"));
const say = (words) => byId("message").replaceChildren(...[].concat(words));

const shifter = new Shifter({
  page: dataset.page,
  httpRoute,
  digest: dataset.digest,
  weights: dataset.weights.split(" ").map(Number),
  changed: ({ wanted, sending, waiting }) => {
    split.show(wanted, sending);
    trouble.sending(sending);
    if (waiting !== undefined) returns.show(waiting);
  },
  failed: say,
});

/* What the gateway answers. */
const stream = new Stream(dataset.stream);
stream.addEventListener("answers", ({ detail }) => {
  trouble.heard();
  if (detail.http_route !== httpRoute) return;
  trouble.answers(detail.state, detail.window);
  rain.add(detail.versions, detail.reset ? detail.window.slice(-50) : detail.window);
  tally.add(detail.window, detail.now, detail.reset);
  byId("verdict").dataset.verdict = detail.verdict;
  byId("verdict-words").textContent = detail.verdict_text || "No answers yet.";
  byId("effect").textContent = detail.effect_text;
  byId("rain").setAttribute("aria-label", `Answers of the gateway: ${tally.words}`);
  watch(detail.weights);
});
stream.addEventListener("shift", ({ detail }) => {
  trouble.heard();
  if (detail.http_route !== httpRoute) return;
  if (presenter) shifter.look();
  else watch(detail.weights);
});
stream.addEventListener("mesh", ({ detail }) => {
  const { revision, state, text } = detail;
  trouble.heard();
  trouble.mesh(detail);
  byId("cluster").dataset.state = state;
  byId("cluster-words").textContent = text;
  if (presenter && dataset.revision !== String(revision)) shifter.look();
  dataset.revision = revision;
});
stream.addEventListener("cut", ({ detail }) => {
  trouble.cut(detail.words);
  byId("cluster").dataset.state = "stale";
  byId("cluster-words").textContent = detail.words;
});
stream.open();

/** In the audience the stream itself brings the weights: nothing is asked for that two hundred phones would ask at once. */
let leaving = 0;
function watch(weights) {
  if (presenter || leaving) return;
  if (weights.length === split.size) split.show(weights, false);
  else leaving = setTimeout(() => location.reload(), SPREAD_MS * Math.random());
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
  k: () => byId("return").hidden || shifter.keep(),
  p: () => shifter.panic(shifter.wanted.map((_, place) => (place ? 0 : total))),
  " ": () => rain.hold(),
  "?": () => show("keys"),
  ...Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [digit, to(() => (digit * total) / 10)])),
};

// A button that keeps the focus would take the next Enter for itself: the stage's keys belong to the split.
const release = () => document.activeElement?.blur();

function show(id) {
  // A dialog gives the focus back to who had it before, and does so before it says that it is closed.
  release();
  byId(id).showModal();
}

if (presenter) {
  projector(byId("projector"));
  document.querySelector("nav").addEventListener("click", ({ detail }) => detail && release());
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
