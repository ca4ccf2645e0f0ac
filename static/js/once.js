// A second press of a page's main button, while the first is on its way, would throw away the answer and the cookies
// that come with it. It is let through when nothing came for a while, or when something else was typed.
const PATIENCE = 15000;
const ready = (form) => form.removeAttribute("data-under-way");

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || !event.submitter?.matches(".btn--go")) return;
  if (form.hasAttribute("data-under-way")) return void event.preventDefault();
  form.setAttribute("data-under-way", "");
  setTimeout(ready, PATIENCE, form);
});
addEventListener("input", (event) => event.target.form && ready(event.target.form));
addEventListener("pageshow", () => document.querySelectorAll("[data-under-way]").forEach(ready));
