// Saves what is written: 5 s after the last key, on leaving a field, and when the page goes out of sight. Without it
// the buttons below do the same. Files are saved with the form only.
const PAUSE = 5000;
const LEFT = 1000; // a moment after leaving a field, which may have been for the Send button
const SPOKEN = 60000;
const LONGEST = 20000; // letters that a browser surely sends for a page that is gone: 64 KiB (Fetch, keepalive)
const clock = new Intl.DateTimeFormat(`${document.documentElement.lang || "en-GB"}-u-nu-latn`, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

function watch(form) {
  const saved = form.querySelector("[data-saved]");
  const unsaved = form.querySelector("[data-unsaved]");
  const other = form.querySelector("[data-other]");
  const spoken = form.querySelector("[data-spoken]");
  let timer = 0;
  let changed = false;
  let busy = null;
  let leaving = false;
  let said = 0;

  const written = () => form.elements.message.value.length + (form.elements.html?.value.length ?? 0);
  const at = (moment) => clock.format(new Date(moment));

  function show({ version, saved_at, other_at }) {
    form.elements.version.value = version;
    unsaved.hidden = true;
    if (saved_at) {
      saved.querySelector("[data-saved-at]").textContent = at(saved_at);
      saved.hidden = false;
      if (Date.now() - said > SPOKEN) {
        said = Date.now();
        spoken.textContent = saved.textContent;
      }
    }
    if (other_at) {
      other.querySelector("[data-other-at]").textContent = at(other_at);
      other.hidden = false;
      spoken.textContent = other.querySelector("p").textContent;
    }
  }

  function save() {
    clearTimeout(timer);
    if (!changed || leaving) return;
    if (busy) {
      timer = setTimeout(save, PAUSE);
      return;
    }
    changed = false;
    busy = post().finally(() => (busy = null));
  }

  async function post() {
    const data = new FormData(form);
    data.delete("files");
    data.append("do", "save");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: data,
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        keepalive: document.hidden && written() < LONGEST,
        signal: AbortSignal.timeout(2 * PAUSE),
      });
      const found = await answer.json();
      if (answer.ok) return show(found);
      changed = true;
      unsaved.textContent = spoken.textContent = found.said ?? "";
      unsaved.hidden = false;
    } catch {
      changed = true; // away from the net: the next key, or the next look at the page, tries again
    }
  }

  form.addEventListener("input", (event) => {
    if (event.target.type === "file") return;
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  form.addEventListener("focusout", (event) => {
    if (event.relatedTarget?.type === "submit" && event.relatedTarget.form === form) return;
    clearTimeout(timer);
    timer = setTimeout(save, LEFT);
  });
  // What is sent must not be saved again behind it, nor beside it: the form waits for a save that is on its way.
  addEventListener(
    "submit",
    (event) => {
      if (event.target !== form) return;
      clearTimeout(timer);
      leaving = true;
      if (!busy) return void setTimeout(() => (leaving = false), PAUSE);
      event.preventDefault();
      event.stopImmediatePropagation();
      busy.then(() => form.requestSubmit(event.submitter));
    },
    true,
  );
  document.addEventListener("visibilitychange", save);
  addEventListener("online", save);
  addEventListener("beforeunload", (event) => {
    if (form.isConnected && (changed || busy) && !leaving && !("sent" in form.dataset)) event.preventDefault();
  });
}

const begin = () => document.querySelectorAll("form[data-draft]").forEach(watch);
document.addEventListener("form-replaced", begin);
begin();
