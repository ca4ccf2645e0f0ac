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

// What becomes of the colour follows what is typed: the same arithmetic, asked for where it is.
const contrast = form?.querySelector("[data-contrast]");
if (contrast) {
  const said = document.createElement("template");
  let asking = 0;
  let asked = 0;
  contrast.querySelector("[data-show]").remove();
  const follow = async () => {
    const mine = (asked += 1);
    const { csrfmiddlewaretoken, colour } = form.elements;
    const body = new URLSearchParams({ csrfmiddlewaretoken: csrfmiddlewaretoken.value, colour: colour.value });
    try {
      const answer = await fetch(contrast.dataset.contrast, { method: "POST", body });
      const text = await answer.text();
      // Half a colour is none, and an answer that another one has overtaken is too late.
      if (answer.status !== 200 || answer.redirected || mine !== asked) return;
      said.innerHTML = text;
      for (const part of ["#colour-said", "tbody"])
        contrast.querySelector(part).replaceChildren(...said.content.querySelector(part).childNodes);
    } catch {
      // Away: the next key asks anew.
    }
  };
  form.elements.colour.addEventListener("input", () => {
    clearTimeout(asking);
    asking = setTimeout(follow, 120);
  });
}
