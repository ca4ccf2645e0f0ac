// Moves the message code from behind the # of the link into the form, and out of the address bar and the history.
const code = location.hash.slice(1);

if (/^[0-9A-Za-z]{26}$/.test(code)) {
  history.replaceState(history.state, "", location.pathname + location.search);
  for (const field of document.querySelectorAll('input[name="share"]')) field.value = code;
  document.querySelector("form[data-share-submit]")?.requestSubmit();
}
