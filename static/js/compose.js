// Ctrl or Cmd with Enter sends; away from the net it is said what becomes of the words, and Send explains.
function help(form) {
  const send = form.querySelector("button.btn--go");
  const keys = form.querySelector("[data-keys]");
  const offline = form.querySelector("[data-offline]");
  if (!keys || !offline) return;
  const said = offline.querySelector("[data-offline-words]");
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);

  keys.textContent = mac ? keys.dataset.mac : keys.dataset.ctrl;
  keys.hidden = false;
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit(send);
  });

  if (!("draft" in form.dataset)) {
    let typed = false; // nothing saves it here
    form.addEventListener("input", () => (typed = true));
    form.addEventListener("submit", () => (typed = false));
    addEventListener("beforeunload", (event) => form.isConnected && typed && event.preventDefault());
  }

  const look = () => {
    offline.classList.toggle("offline--on", !navigator.onLine);
    said.textContent = navigator.onLine ? "" : offline.dataset.words;
  };
  addEventListener("offline", look);
  addEventListener("online", look);
  look();
  addEventListener(
    "submit",
    (event) => {
      if (event.target !== form || navigator.onLine) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      said.textContent = offline.dataset.pressed;
    },
    true,
  );
}

const begin = () => document.querySelectorAll("form[data-upload]").forEach(help);
document.addEventListener("form-replaced", begin);
begin();
