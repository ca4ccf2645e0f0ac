// The tester's result: the mail that a recipient would get is shown without a press of the button.
const form = document.querySelector("[data-notice]");
if (form) {
  form.querySelector("button").hidden = true;
  form.requestSubmit();
}
