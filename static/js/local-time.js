// Says times in the reader's own zone. Without it the page shows the server's zone and, where it matters, names it.
// Digits as the server writes them.
const language = `${document.documentElement.lang || "en-GB"}-u-nu-latn`;
const both = document.documentElement.dataset.moment || "{day}, {time}";
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const forms = {
  day: (at) => day.format(at),
  clock: (at) => clock.format(at),
  moment: (at) => both.replace("{day}", day.format(at)).replace("{time}", clock.format(at)),
};

for (const element of document.querySelectorAll("time[data-local]")) {
  const at = new Date(element.dateTime);
  const form = forms[element.dataset.local];
  if (form && !Number.isNaN(at.getTime())) element.textContent = form(at);
}

const zone = new Intl.DateTimeFormat(language, { timeZoneName: "short" }).resolvedOptions().timeZone;
for (const element of document.querySelectorAll("[data-local-zone]")) element.textContent = zone;
