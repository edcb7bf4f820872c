/* The page again from the server, morphed into place: drafts, focus, scroll and open details stay. */
/** Between two fetches: where pods come and go all the time, a page follows in steps. */
const REST_MS = 400;

let busy = false;
let again = false;

const page = () => document.getElementById("page");

/** Where this page lives, written as htmx writes it. */
function address() {
  const { pathname, search } = new URL(page().dataset.address ?? location.href, document.baseURI);
  return pathname + search;
}

/** Fetch the page and morph it; while one is under way, and shortly after it, one more is remembered. */
export async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const swap = "outerMorph ignoreTitle:true";
    await htmx.ajax("GET", address(), { source: page(), target: page(), select: "#page", swap });
  } finally {
    setTimeout(rested, REST_MS);
  }
}

function rested() {
  busy = false;
  if (!again) return;
  again = false;
  refresh();
}

// The filter may have changed the address while a refresh of the old one was under way.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement !== page() || ctx.request.action === address()) return;
  event.preventDefault();
  again = true;
});
