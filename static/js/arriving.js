// Sends each file as soon as it is chosen, in pieces, and goes on where it broke off. Without it, and where the page
// names no place for pieces, the files go with the form.
const PIECE = 512 * 1024;
const PATIENCE = 60000;
const sizes = new Intl.NumberFormat(`${document.documentElement.lang || "en-GB"}-u-nu-latn`, { maximumFractionDigits: 1 });
const say = (words, ...amounts) => amounts.reduce((said, amount) => said.replace("%s", amount), words).replace("%%", "%");

function inWords(bytes, words) {
  if (bytes < 1e3) return words.bytes.replace("{n}", bytes);
  const [unit, of] = bytes < 999.5e3 ? ["kb", 1e3] : bytes < 999.5e6 ? ["mb", 1e6] : ["gb", 1e9];
  return words[unit].replace("{n}", sizes.format(unit === "kb" ? Math.round(bytes / of) : bytes / of));
}

class Stopped extends Error {
  constructor(said = "", status = 0) {
    super(said);
    this.signedOut = status === 403;
  }
}

function receive(form) {
  const place = form.dataset.files;
  const input = form.querySelector('input[type="file"]');
  if (!place || !input) return;
  const list = form.querySelector("[data-chosen]");
  const total = form.querySelector("[data-total]");
  const count = form.querySelector("[data-file-count]");
  const status = form.querySelector("[data-status]");
  const words = status.dataset;
  const rows = [];
  let running = false;
  let waiting = null; // the button that was pressed while files were on their way

  function element(tag, name, text = "") {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.textContent = text;
    return made;
  }

  function button(text, name, act) {
    const made = element("button", "btn btn--s", text);
    made.type = "button";
    made.append(element("span", "vh", ` ${name}`));
    made.addEventListener("click", act);
    return made;
  }

  function add(file) {
    const same = rows.find((row) => row.phase === "stopped" && row.file.name === file.name && row.file.size === file.size);
    if (same && same.file.lastModified === file.lastModified) return retry(same);
    const row = { file, item: element("li", "chosen__file"), state: element("span", "chosen__state"), id: "", phase: "queued", said: -1 };
    row.bar = element("progress");
    row.bar.max = 100;
    row.bar.value = 0;
    row.bar.setAttribute("aria-label", file.name);
    row.again = button(words.again, file.name, () => retry(row));
    row.again.hidden = true;
    row.remove = button(words.remove, file.name, () => remove(row));
    row.about = element("bdi", "muted chosen__size", inWords(file.size, words));
    row.item.append(element("bdi", "", file.name), row.about, row.state, row.bar, row.again, row.remove);
    rows.push(row);
    list.append(row.item);
    list.hidden = false;
  }

  function totals() {
    const there = [...form.querySelectorAll("li[data-size]")].map((item) => Number(item.dataset.size));
    const all = [...there, ...rows.filter((row) => row.phase !== "refused").map((row) => row.file.size)];
    const bytes = all.reduce((sum, size) => sum + size, 0);
    const most = Number(form.dataset.most);
    total.hidden = all.length === 0;
    total.textContent = most ? say(words.of, inWords(bytes, words), inWords(most, words)) : say(words.all, inWords(bytes, words));
    if (count) count.textContent = all.length ? say(words.count, all.length) : "";
  }

  function tell(row, have) {
    const percent = row.file.size ? Math.floor((100 * have) / row.file.size) : 100;
    row.percent = percent;
    row.bar.value = percent;
    row.state.textContent = percent < 100 ? say(words.uploading, percent) : words.ready;
    const step = percent >= 100 ? 100 : percent >= 50 ? 50 : 0; // more would talk over a screen reader
    if (step === row.said) return;
    row.said = step;
    status.textContent = step === 100 ? say(words.readyFile, row.file.name) : say(words.uploadingFile, row.file.name, step);
  }

  async function ask(method, url, options = {}) {
    const headers = { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, ...options.headers };
    try {
      return await fetch(url, {
        method,
        credentials: "same-origin",
        redirect: "error",
        signal: AbortSignal.timeout(PATIENCE),
        ...options,
        headers,
      });
    } catch {
      throw new Stopped();
    }
  }

  async function refusal(answer) {
    const told = answer.headers.get("Content-Type")?.includes("json") ? (await answer.json().catch(() => null)) : null;
    return told?.said ?? "";
  }

  // Where to go on: the server knows.
  async function begin(row) {
    if (row.id) {
      const found = await ask("HEAD", `${place}/${row.id}`);
      if (found.ok) return Number(found.headers.get("Upload-Offset"));
      if (found.status !== 404) throw new Stopped(await refusal(found), found.status);
    }
    const about = new URLSearchParams({
      name: row.file.name,
      type: row.file.type,
      size: row.file.size,
      changed: row.file.lastModified,
    });
    const answer = await ask("POST", place, { body: about });
    if (answer.status === 422) {
      row.phase = "refused";
      throw new Stopped(await refusal(answer));
    }
    if (!answer.ok) throw new Stopped(await refusal(answer), answer.status);
    const begun = await answer.json();
    row.id = begun.id;
    row.about.textContent = begun.about; // the kind too, in words
    form.querySelector(`[data-broken] [data-id="${row.id}"]`)?.remove(); // it is going on
    return begun.have;
  }

  async function send(row) {
    row.phase = "running";
    row.again.hidden = true;
    row.bar.hidden = false;
    let have = await begin(row);
    let lost = 0;
    if (row.phase === "removed") return void ask("DELETE", `${place}/${row.id}`).catch(() => {});
    tell(row, have);
    do {
      const answer = await ask("PATCH", `${place}/${row.id}`, {
        body: row.file.slice(have, have + PIECE),
        headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(have) },
      });
      if (row.phase === "removed") return;
      if (answer.status === 422) row.phase = "refused"; // a virus was found
      if (!answer.ok && (answer.status !== 409 || ++lost > 3)) throw new Stopped(await refusal(answer), answer.status);
      have = Number(answer.headers.get("Upload-Offset"));
      tell(row, have);
    } while (have < row.file.size);
    row.phase = "ready";
    row.bar.hidden = true;
    const kept = element("input");
    kept.type = "hidden";
    kept.name = "kept";
    kept.value = row.id;
    row.item.append(kept);
  }

  function stop(row, sentence) {
    if (row.phase === "removed") return;
    const refused = row.phase === "refused";
    if (!refused) row.phase = "stopped";
    row.bar.hidden = true;
    row.again.hidden = refused;
    row.said = -1;
    row.state.textContent = status.textContent = sentence || say(words.stopped, row.percent ?? 0);
    waiting = null;
    totals();
  }

  async function run() {
    if (running) return;
    running = true;
    for (let row; (row = rows.find(({ phase }) => phase === "queued")); ) {
      try {
        await send(row);
      } catch (error) {
        row.signedOut = error instanceof Stopped && error.signedOut;
        stop(row, error instanceof Stopped ? error.message : "");
      }
    }
    running = false;
    if (!waiting || rows.some(({ phase }) => phase === "stopped")) return;
    const pressed = waiting;
    waiting = null;
    form.requestSubmit(pressed);
  }

  function retry(row) {
    if (row.phase !== "stopped") return;
    row.phase = "queued";
    row.signedOut = false;
    row.again.hidden = true;
    row.remove.focus();
    run();
  }

  function remove(row) {
    const next = row.item.nextElementSibling ?? row.item.previousElementSibling;
    if (row.id) ask("DELETE", `${place}/${row.id}`).catch(() => {}); // what stays by that can be taken out on the page
    row.phase = "removed";
    rows.splice(rows.indexOf(row), 1);
    row.item.remove();
    list.hidden = rows.length === 0;
    totals();
    (next?.querySelector("button:last-of-type") ?? input).focus();
  }

  function take(files) {
    for (const file of files) add(file);
    totals();
    run();
  }

  input.addEventListener("change", (event) => {
    event.stopImmediatePropagation(); // not to be sent with the form
    const files = [...input.files];
    input.value = "";
    take(files);
  });
  form.addEventListener("files-given", (event) => take(event.detail));
  addEventListener("online", () => rows.filter(({ phase }) => phase === "stopped").forEach(retry));

  // ---------- dropped onto the form
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  form.addEventListener("dragover", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    form.classList.add("dropping");
  });
  form.addEventListener("dragleave", (event) => form.contains(event.relatedTarget) || form.classList.remove("dropping"));
  form.addEventListener("drop", (event) => {
    form.classList.remove("dropping");
    if (!holds(event)) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });

  // ---------- sending waits for files; one that broke off is not left behind without a word
  addEventListener(
    "submit",
    (event) => {
      if (event.target !== form || !/^(send|save)$/.test(event.submitter?.value ?? "save")) return;
      const broken = rows.find(({ phase }) => phase === "stopped");
      if (!running && !(broken && event.submitter?.value === "send")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (running) {
        waiting = event.submitter;
        status.textContent = words.waiting;
      } else {
        status.textContent = say(words.broken, broken.file.name);
        broken.again.focus();
      }
    },
    true,
  );
  // Signed out they can only go on after the page was left for the way in.
  addEventListener("beforeunload", (event) => {
    if (form.isConnected && rows.some(({ phase, signedOut }) => !signedOut && /^(queued|running|stopped)$/.test(phase))) event.preventDefault();
  });
  totals();
}

const begin = () => document.querySelectorAll("form[data-files]").forEach(receive);
document.addEventListener("form-replaced", begin);
begin();
