// The editor of a rule: the sentence follows what is typed, and nobody leaves by mistake with something unsaved.
const form = document.querySelector("[data-rule]");
if (form) {
  const told = form.querySelector("[data-told]");
  let waiting = 0;
  let looks = 0;
  let typed = false;
  let leaving = false;
  form.querySelector("[data-look]").hidden = true;

  const tell = async () => {
    const look = (looks += 1);
    try {
      const answer = await fetch(form.dataset.sentence, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      const said = await answer.text();
      // An answer that another one has overtaken is too late, and a page that says something else is no sentence.
      if (answer.ok && !answer.redirected && look === looks) told.textContent = said;
    } catch {
      // Away: the sentence is told anew with the next key.
    }
  };

  form.addEventListener("input", () => {
    typed = true;
    form.querySelector("[data-unsaved]").hidden = false;
    clearTimeout(waiting);
    waiting = setTimeout(tell, 500);
  });
  form.addEventListener("submit", () => {
    leaving = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (typed && !leaving) event.preventDefault();
  });
}
