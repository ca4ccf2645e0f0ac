// Makes the frame of a message as high as its text. The frame runs no script itself; without this it scrolls.
function fit(frame) {
  const page = frame.contentDocument;
  if (!page?.body) return;
  const scrollbar = page.documentElement.scrollWidth > page.documentElement.clientWidth ? 20 : 0;
  const paper = getComputedStyle(frame);
  const edges = frame.offsetHeight - frame.clientHeight + parseFloat(paper.paddingTop) + parseFloat(paper.paddingBottom);
  const height = Math.ceil(page.body.getBoundingClientRect().height) + scrollbar + edges;
  frame.style.height = `${Math.max(height, 48)}px`;
}

function follow(frame) {
  const page = frame.contentDocument;
  if (!page?.body) return;
  fit(frame);
  new ResizeObserver(() => fit(frame)).observe(page.body);
  for (const picture of page.images) picture.addEventListener("load", () => fit(frame));
}

for (const frame of document.querySelectorAll("iframe.body-frame")) {
  frame.classList.add("body-frame--fitted");
  frame.addEventListener("load", () => follow(frame));
  if (frame.contentDocument?.readyState === "complete") follow(frame);
  window.addEventListener("resize", () => fit(frame));
}
