// Shows the chosen files and how far the upload is. Without it the browser sends the same form by itself.
const sizes = new Intl.NumberFormat(`${document.documentElement.lang || "en-GB"}-u-nu-latn`, { maximumFractionDigits: 1 });

function inWords(bytes, words) {
  if (bytes < 1e3) return words.bytes.replace("{n}", bytes);
  const [unit, of] = bytes < 999.5e3 ? ["kb", 1e3] : bytes < 999.5e6 ? ["mb", 1e6] : ["gb", 1e9];
  const amount = bytes / of;
  return words[unit].replace("{n}", sizes.format(unit === "kb" ? Math.round(amount) : amount));
}

function row(file, words) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  const size = document.createElement("span");
  name.textContent = file.name;
  size.className = "muted";
  size.textContent = inWords(file.size, words);
  item.append(name, size);
  return item;
}

function enhance(form) {
  const input = form.querySelector('input[type="file"]');
  const list = form.querySelector("[data-chosen]");
  const total = form.querySelector("[data-total]");
  const status = form.querySelector("[data-status]");
  const words = status.dataset;
  const progress = form.querySelector("[data-progress]");
  const bar = progress.querySelector("progress");
  const button = form.querySelector("button.btn--go");
  const say = (words, amount) => words.replace("%s", amount).replace("%%", "%");

  input.addEventListener("change", () => {
    const files = [...input.files];
    list.replaceChildren(...files.map((file) => row(file, words)));
    list.hidden = total.hidden = files.length === 0;
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const most = Number(form.dataset.most);
    total.textContent = most
      ? say(say(status.dataset.of, inWords(bytes, words)), inWords(most, words))
      : say(status.dataset.all, inWords(bytes, words));
    total.classList.toggle("over", most > 0 && bytes > most);
  });

  form.addEventListener("submit", (event) => {
    if (input.files.length === 0) return; // nothing to wait for: the browser sends it
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    send(event.submitter);
  });

  function send(pressed) {
    const request = new XMLHttpRequest();
    let said = -1;
    let percent = 0;
    const tell = (amount) => {
      percent = amount;
      bar.value = amount;
      const step = amount >= 100 ? 100 : amount >= 50 ? 50 : 0; // more would talk over a screen reader
      if (step === said) return;
      said = step;
      status.textContent = step === 100 ? status.dataset.done : say(status.dataset.uploading, step);
    };
    const stop = () => {
      progress.hidden = true;
      button.removeAttribute("aria-disabled");
      status.textContent = say(status.dataset.stopped, percent);
    };
    progress.hidden = false;
    button.setAttribute("aria-disabled", "true");
    tell(0);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) tell(Math.floor((100 * event.loaded) / event.total));
    });
    request.addEventListener("error", stop);
    request.addEventListener("abort", stop);
    request.addEventListener("load", () => {
      // A reply that was sent answers with a redirect, which the request has followed: go where it went.
      if (request.status < 400 && request.responseURL !== form.action) {
        form.dataset.sent = "";
        return window.location.assign(request.responseURL);
      }
      if (!request.getResponseHeader("Content-Type")?.startsWith("text/html")) return stop();
      show(request);
    });
    request.open("POST", form.action);
    const data = new FormData(form);
    if (pressed?.name) data.append(pressed.name, pressed.value); // which button it was
    request.send(data);
  }

  // The server's own page (an error summary, or what went wrong) takes this one's place.
  function show(request) {
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    document.title = page.title;
    document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
    for (const next of document.querySelectorAll("form[data-upload]")) enhance(next);
    document.dispatchEvent(new Event("form-replaced"));
    (document.getElementById("errors") ?? document.querySelector("main h1"))?.scrollIntoView();
    document.getElementById("errors")?.focus();
  }

}

for (const form of document.querySelectorAll("form[data-upload]")) enhance(form);
