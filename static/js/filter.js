/* The list of services: its filter, and the key that leads there. */

// A filter's address without empty parameters is one that people can read.
document.addEventListener("htmx:config:request", ({ detail }) => {
  const { method, body } = detail.ctx.request;
  if (method !== "GET" || !body || detail.ctx.sourceElement.id !== "filter") return;
  for (const [name, value] of [...body]) if (value === "") body.delete(name);
});

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  if (event.key !== "/" || !search || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  search.focus();
});
