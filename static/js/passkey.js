// Passkeys: shows what needs them where the browser can, asks it, and posts its answer as an ordinary form.
const able = typeof PublicKeyCredential === "function" && Boolean(navigator.credentials);

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// By hand, because parseCreationOptionsFromJSON() and toJSON() are missing in browsers that are still in use.
const named = (credentials) => credentials.map((one) => ({ ...one, id: bytes(one.id) }));
const read = {
  create: (told) => ({
    ...told,
    challenge: bytes(told.challenge),
    user: { ...told.user, id: bytes(told.user.id) },
    excludeCredentials: named(told.excludeCredentials),
  }),
  get: (told) => ({ ...told, challenge: bytes(told.challenge), allowCredentials: named(told.allowCredentials) }),
};

const FIELDS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
function written(credential) {
  const response = {};
  for (const name of FIELDS) if (credential.response[name]) response[name] = text(credential.response[name]);
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

async function ask(form) {
  const kind = form.dataset.passkey;
  const none = form.querySelector("[data-passkey-none]");
  const csrfmiddlewaretoken = form.elements.csrfmiddlewaretoken.value;
  none.textContent = "";
  try {
    const answer = await fetch(form.dataset.passkeyAsk, { method: "POST", body: new URLSearchParams({ csrfmiddlewaretoken }) });
    // Refused: the page that the form leads to says why.
    if (answer.ok) form.elements.answer.value = written(await navigator.credentials[kind]({ publicKey: read[kind](await answer.json()) }));
    form.submit();
  } catch {
    // Cancelled, or nothing to choose from; browsers do not say which, so that no page learns what someone has.
    none.textContent = none.dataset.words;
  }
}

if (able) {
  for (const part of document.querySelectorAll("[data-passkey-part], [data-passkey]")) part.hidden = false;
  for (const form of document.querySelectorAll("[data-passkey]"))
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (form.dataset.busy) return;
      form.dataset.busy = "yes";
      ask(form).finally(() => delete form.dataset.busy);
    });
  // Where a passkey is the first way, the next one is an ordinary button.
  if (document.querySelector('[data-passkey="get"] .btn--go'))
    for (const button of document.querySelectorAll("[data-after-passkey]")) button.classList.remove("btn--go");
  // Hidden, not removed: a form that is in no page any more is not sent.
  for (const form of document.querySelectorAll("[data-passkey-later]"))
    form.addEventListener("submit", () => (form.closest("[data-passkey-part]").hidden = true), { once: true });
}
