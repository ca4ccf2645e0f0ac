// Shows the pictures of the internet in a message without loading the page again. Without it the button does so.
async function show(form) {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new FormData(form),
    headers: { Accept: "application/json" },
    credentials: "same-origin",
  });
  const frame = document.querySelector("iframe.body-frame");
  if (answer.status !== 204 || !frame) throw new Error("the pictures are not to be had this way");
  frame.contentWindow.location.reload();
  const note = form.closest(".note");
  note.querySelector("[data-pictures-hidden]").remove();
  note.querySelector("[data-pictures-shown]").hidden = false;
}

for (const form of document.querySelectorAll("form[data-pictures]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(form).catch(() => form.submit());
  });
}
