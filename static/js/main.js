import { refresh } from "./refresh.js";
import * as status from "./status.js";
import { Stream } from "./stream.js";

/** A page that shows another picture than the one that the stream announces is fetched again. */
function mesh(data) {
  status.heard(data);
  const { revision, state, listed = "" } = document.getElementById("page").dataset;
  if (`${revision} ${state} ${listed}` !== `${data.revision} ${data.state} ${data.listed ?? ""}`) refresh();
}

const panel = (data) => document.querySelector(`live-panel[data-http-route="${data.http_route}"]`);

if (document.body.dataset.stream) {
  const stream = new Stream(document.body.dataset.stream);
  stream.addEventListener("mesh", ({ detail }) => mesh(detail));
  stream.addEventListener("answers", ({ detail }) => panel(detail)?.answers(detail));
  stream.addEventListener("shift", ({ detail }) => panel(detail)?.shift(detail));
  stream.addEventListener("cut", ({ detail }) => status.cut(detail.words));
  stream.open();
}

// The next request of a route takes the words about its last one away.
document.addEventListener("htmx:before:request", ({ target }) => {
  target.closest?.(".route")?.querySelector(".message").replaceChildren();
});

// Few take a picture away, so what draws it is loaded at the click.
document.addEventListener("click", (event) => {
  if (!event.target.dataset.png) return;
  event.preventDefault();
  import("./png.js").then(({ save }) => save(event.target));
});
