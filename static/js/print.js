// A browser prints without scripts as well, from its own menu; the button saves looking for it.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  const menu = button.closest("[data-print-menu]");
  if (menu) menu.hidden = false;
  button.addEventListener("click", () => {
    if (menu) menu.open = false;
    print();
  });
}
