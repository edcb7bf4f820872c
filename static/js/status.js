/* The dot in the header: how old the picture is, in words that stay true between two events. */
const BANNER_AFTER_MS = 3_000;
const CUT_WORDS = "No connection to Crossfade: this page shows the last it heard, and tries again by itself.";

let heardAt = performance.now();
let cutAt = null;
let cluster = null;

/** Take the server's word. @param {{state: string, text: string, age_seconds: number}} data */
export function heard(data) {
  if (cutAt !== null) announce("Connected again.");
  else if (cluster && cluster.state !== data.state) announce(`Cluster: ${data.text}`);
  [cluster, heardAt, cutAt] = [data, performance.now(), null];
  document.documentElement.dataset.connection = "open";
  document.getElementById("cut").textContent = "";
  draw();
}

/** The stream is away; `words` say why. */
export function cut(words) {
  cutAt ??= performance.now();
  cluster = { age_seconds: 0, ...cluster, text: words };
  document.documentElement.dataset.connection = "cut";
  draw();
}

function draw() {
  const place = document.getElementById("cluster");
  if (!place || !cluster) return;
  const live = cutAt === null && cluster.state === "live";
  const since = (performance.now() - heardAt) / 1_000;
  place.dataset.state = cutAt === null ? cluster.state : "cut";
  let words = cluster.text;
  if (live) words = `live, ${cluster.age_seconds.toFixed(1)} s ago`;
  else if (cluster.state !== "loading" || cutAt !== null) words = `as of ${ago(cluster.age_seconds + since)}, ${words}`;
  document.getElementById("cluster-words").textContent = words;
  const banner = document.getElementById("cut");
  const long = cutAt !== null && performance.now() - cutAt > BANNER_AFTER_MS;
  if (long && !banner.textContent) banner.textContent = CUT_WORDS;
}

/** How long ago in words, as the server writes it. */
function ago(seconds) {
  const units = [["d", 86_400], ["h", 3_600], ["min", 60]];
  const [unit, length] = units.find(([, each]) => seconds >= each) ?? ["s", 1];
  return `${Math.max(0, Math.floor(seconds / length))} ${unit} ago`;
}

/** Times on the page grow older without a new page. */
function age() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1_000;
    if (seconds) time.textContent = ago(seconds);
  }
}

function announce(words) {
  document.getElementById("announcer").textContent = words;
}

setInterval(() => {
  if (cutAt !== null || (cluster && cluster.state !== "live")) draw();
  age();
}, 1_000);
