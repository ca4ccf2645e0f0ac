// Whoever goes back from "Your reply has been sent" would find the form filled in again by the browser, as if nothing had
// been sent, and send it twice: they are led to the message, where the answer stands. way-back.js notes what was sent.
const here = location.pathname;
const message = here.slice(0, here.lastIndexOf("/"));
const [how] = performance.getEntriesByType("navigation");

function lead(returned) {
  if (sessionStorage.getItem("sent") !== message) return;
  if (returned) return location.replace(message);
  sessionStorage.removeItem("sent");
}

lead(how?.type === "back_forward");
addEventListener("pageshow", (event) => event.persisted && lead(true));
// The answer to this form may be a page that cannot be gone back to (way-back.js); this page's address can.
addEventListener("submit", (event) => event.defaultPrevented || history.replaceState(history.state, ""));
