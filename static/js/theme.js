// Not a module: it runs before the first paint, so that a chosen theme never flashes.
(() => {
  const MODES = ["auto", "light", "dark"];
  const KEY = "crossfade-theme";
  const root = document.documentElement;

  /** Storage may be forbidden; the theme then lasts as long as the page. */
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };

  const show = (mode) => {
    root.dataset.theme = mode;
    const button = document.getElementById("theme");
    if (!button) return;
    button.title = `Theme: ${mode}`;
    button.setAttribute("aria-label", button.title);
  };

  const start = () => show(MODES.includes(stored()) ? stored() : "auto");
  start();
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("#theme")) return;
    const mode = MODES[(MODES.indexOf(root.dataset.theme) + 1) % MODES.length];
    try {
      localStorage.setItem(KEY, mode);
    } catch {
      // Not remembered, but shown.
    }
    show(mode);
    document.dispatchEvent(new Event("crossfade:theme"));
  });
})();
