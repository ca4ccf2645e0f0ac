// The editor of a brand: the preview follows what is typed, and nobody leaves by mistake with something unsaved.
const form = document.querySelector("[data-brand]");
const update = form?.querySelector("[data-update]");
if (form && update) {
  const stage = form.querySelector(".preview__stage");
  const choices = new Set(["what", "tongue", "theme", "width"]);
  let waiting = 0;
  let looks = 0;
  let leaving = false;
  let typed = false;

  // Each look has a frame of its own: going to another document in the same one would add a step to Back.
  const show = () => {
    const shown = [...stage.querySelectorAll("iframe")];
    const fresh = shown[0].cloneNode();
    fresh.removeAttribute("src");
    looks += 1;
    fresh.name = update.formTarget = `brand-preview-${looks}`;
    // Not display: none, in which Chromium may put off what a frame loads.
    fresh.className = "coming";
    stage.append(fresh);
    fresh.addEventListener("load", () => {
      fresh.className = "";
      shown.forEach((one) => one.remove());
    });
    form.requestSubmit(update);
  };

  form.addEventListener("input", (event) => {
    if (event.target.name === "width") return;
    if (!choices.has(event.target.name)) {
      typed = true;
      form.querySelector("[data-unsaved]").hidden = false;
    }
    clearTimeout(waiting);
    waiting = setTimeout(show, choices.has(event.target.name) ? 0 : 600);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter !== update) leaving = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (typed && !leaving) event.preventDefault();
  });
}
