// Moves the message code from behind the # of the link into the form, and out of the address bar and the history.
const code = location.hash.slice(1);

if (/^[0-9A-Za-z]{26}$/.test(code)) {
  // Choosing a language loads the page anew: what is behind the # of the form's address comes back with it.
  for (const form of document.querySelectorAll("form[data-keeps-code]")) form.action += location.hash;
  history.replaceState(history.state, "", location.pathname + location.search);
  for (const field of document.querySelectorAll('input[name="share"]')) field.value = code;
  document.querySelector("form[data-share-submit]")?.requestSubmit();
}
