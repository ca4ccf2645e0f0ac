// Follows a mail of the demo: fetches the page again until its journey is over. Without scripts the page reloads itself.
const PAUSE_MS = 400;
const LONGEST_MS = 60_000;

async function follow() {
  const until = Date.now() + LONGEST_MS;
  for (;;) {
    const here = document.getElementById("journey");
    if (!here || "over" in here.dataset || Date.now() > until) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (!answer.ok) continue;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("journey");
      if (fresh && fresh.innerHTML !== here.innerHTML) here.replaceWith(fresh);
    } catch {
      // The server is being restarted; the next try may find it.
    }
  }
}

follow();
