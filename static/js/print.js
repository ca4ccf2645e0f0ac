// A browser prints without scripts as well, from its own menu; the button saves looking for it.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
