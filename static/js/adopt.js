// Refreshes leave the card with somebody's choices alone; the answer to one of the page's own forms draws it anew.
document.addEventListener("htmx:before:swap", ({ detail }) => {
  if (!detail.ctx.sourceElement.matches("form.adopt")) return;
  document.getElementById("adopt-card")?.remove();
});
