/* A lamp in a bright room washes colours out: black on white and strong edges, whatever the theme is. */
const KEY = "crossfade-projector";
const root = document.documentElement;

/** Storage may be forbidden; the choice then lasts as long as the page. */
function stored() {
  try {
    return localStorage.getItem(KEY) === "yes";
  } catch {
    return false;
  }
}

function show(button, on) {
  root.dataset.projector = on ? "yes" : "no";
  button.setAttribute("aria-pressed", String(on));
  document.dispatchEvent(new Event("crossfade:theme"));
}

/** @param {HTMLButtonElement} button switches it */
export function projector(button) {
  show(button, stored());
  button.addEventListener("click", () => {
    const on = root.dataset.projector !== "yes";
    try {
      localStorage.setItem(KEY, on ? "yes" : "no");
    } catch {
      // Not remembered, but shown.
    }
    show(button, on);
  });
}
