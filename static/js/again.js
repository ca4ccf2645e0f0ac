// A page that shows how far something is looks again by itself; without scripts its own link does that.
const seconds = Number(document.querySelector("[data-again]")?.dataset.again);
if (seconds > 0) setTimeout(() => location.reload(), seconds * 1000);
