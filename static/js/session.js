// Warns two minutes before the session is over, and makes it last if asked. Without it the next page asks to confirm
// again and then comes back here.
const SOON_SECONDS = 120;
const bar = document.querySelector("[data-session]");
const text = bar?.querySelector("p");
const stay = bar?.querySelector("form");
const on = bar?.querySelector("a");
const clock = new Intl.DateTimeFormat(`${document.documentElement.lang || "en-GB"}-u-nu-latn`, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
let over = 0;
let timer = 0;

// Another tab may have been used, or the computer may have slept: only the server knows.
async function ask(options) {
  const answer = await fetch(stay.action, { credentials: "same-origin", cache: "no-store", ...options });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

function expect(seconds) {
  over = Date.now() + 1000 * seconds;
  clearTimeout(timer);
  // Before the bar is shown until it is time for it, then until the end.
  timer = setTimeout(look, 1000 * Math.max(1, seconds > SOON_SECONDS ? seconds - SOON_SECONDS : seconds));
}

function show({ seconds, idle, sentence }) {
  if (seconds > SOON_SECONDS) {
    bar.hidden = true;
    return expect(seconds);
  }
  const signedIn = seconds > 0;
  if (signedIn) expect(seconds);
  text.textContent = signedIn
    ? (idle ? text.dataset.idle : text.dataset.longest).replace("%s", clock.format(over))
    : sentence || text.dataset.over;
  stay.hidden = !(signedIn && idle);
  on.hidden = signedIn;
  bar.hidden = false;
}

async function look() {
  try {
    show(await ask());
  } catch {
    // Away from the net: what is known here must do.
    const seconds = Math.round((over - Date.now()) / 1000);
    show({ seconds, idle: true, sentence: "" });
  }
}

async function press(event) {
  event.preventDefault();
  try {
    show(await ask({ method: "POST", body: new FormData(stay) }));
  } catch {
    text.textContent = text.dataset.away;
  }
}

if (bar) {
  stay.addEventListener("submit", press);
  on.href = location.pathname + location.search; // without its #, which would reload nothing
  show({ seconds: Number(bar.dataset.session), idle: true, sentence: "" });
  if (!bar.hidden) look();
}
