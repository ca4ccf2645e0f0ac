// A page that answered a form cannot be gone back to: browsers show an error of their own, or ask whether to send the
// form again. From here on its address is asked for anew. Where somebody writes, the words on the page are worth more.
if (!document.querySelector("textarea")) history.replaceState(history.state, "");
const [, sent] = location.pathname.match(/^(\/m\/\w+)\/sent\//) ?? [];
if (sent) sessionStorage.setItem("sent", sent);
