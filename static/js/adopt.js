const message = () => document.getElementById("adopt-message");

// The next request takes the words about the last one away.
document.addEventListener("htmx:before:request", ({ target }) => {
  if (target.closest?.("form.adopt")) message()?.replaceChildren();
});

// Refreshes leave these alone: somebody's choices, and what came of his last post. The answer to one of the page's own
// forms draws them anew.
document.addEventListener("htmx:before:swap", ({ detail }) => {
  const { sourceElement, response } = detail.ctx;
  if (!sourceElement.matches("form.adopt") || response.status >= 500) return;
  document.getElementById("adopt-card")?.remove();
  message()?.remove();
});
