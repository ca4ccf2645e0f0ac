// Bold, italic, lists and links in the place of the plain field. The server cleans what comes of it down to the same
// tags; the plain field goes along with the same words, and takes over with "Plain text".
const SAME = { B: "strong", STRONG: "strong", I: "em", EM: "em" };
const DROPPED = /^(SCRIPT|STYLE|TITLE|TEMPLATE|HEAD|META|LINK|IFRAME|OBJECT|SVG|MATH|SELECT|TEXTAREA|NOSCRIPT)$/i;
const BLOCK = /^(P|DIV|H[1-6]|BLOCKQUOTE|PRE|SECTION|ARTICLE|ASIDE|HEADER|FOOTER|MAIN|ADDRESS|TABLE|TR|DL|DT|DD|LI|FIGURE|HR)$/;
const WEB = /^(https?:\/\/|mailto:)/i;
const make = (tag) => document.createElement(tag);

function inlineTag(node) {
  const weight = node.style?.fontWeight;
  // Some programs wrap all they copy into <b style="font-weight: normal">.
  if (node.tagName === "B" && weight === "normal") return "";
  if (node.tagName === "A") return WEB.test(node.getAttribute("href") ?? "") ? "a" : "";
  if (SAME[node.tagName]) return SAME[node.tagName];
  if (node.tagName === "SPAN" && (weight === "bold" || Number(weight) >= 600)) return "strong";
  return node.tagName === "SPAN" && node.style?.fontStyle === "italic" ? "em" : "";
}

// A new tree with the allowed tags alone, whatever was pasted or made.
function clean(source) {
  const out = make("div");
  let paragraph = null;
  const open = () => (paragraph ??= out.appendChild(make("p")));

  function walk(node, into) {
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) {
        const text = child.data.replace(/[ \t\r\n\f]+/g, " ");
        if (text.trim() || ((into ?? paragraph)?.lastChild && text)) (into ?? open()).append(text);
      } else if (child.nodeType === Node.ELEMENT_NODE && !DROPPED.test(child.tagName)) {
        element(child, into);
      }
    }
  }

  function element(child, into) {
    const tag = inlineTag(child);
    if (child.tagName === "BR") return void (into ?? open()).append(make("br"));
    if (child.tagName === "UL" || child.tagName === "OL") return list(child, into);
    if (tag) {
      const made = make(tag);
      if (tag === "a") made.setAttribute("href", child.getAttribute("href"));
      (into ?? open()).append(made);
      walk(child, made);
      if (!made.textContent) made.remove();
      return;
    }
    if (!BLOCK.test(child.tagName)) return walk(child, into);
    if (into?.lastChild) into.append(make("br"));
    if (!into) paragraph = null;
    walk(child, into);
    if (!into) paragraph = null;
  }

  function list(node, into) {
    const made = make(node.tagName.toLowerCase());
    for (const child of node.children) {
      if (/^(UL|OL)$/.test(child.tagName)) {
        list(child, made.lastChild ?? made.appendChild(make("li")));
        continue;
      }
      const item = made.appendChild(make("li"));
      walk(child, item);
      if (!item.firstChild) item.append(make("br"));
    }
    if (!made.children.length) return;
    (into?.closest("li") ?? out).append(made);
    paragraph = null;
  }

  walk(source, null);
  return out;
}

function fromText(text) {
  const out = make("div");
  for (const part of text.split(/\n{2,}/)) {
    const paragraph = out.appendChild(make("p"));
    part.split("\n").forEach((line, at) => paragraph.append(...(at ? [make("br"), line] : [line])));
    if (!part) paragraph.append(make("br"));
  }
  return out;
}

// What the plain field holds; the server makes its own of the formatted text.
function toText(node, depth = 0) {
  let text = "";
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) text += child.data.replace(/\u00a0/g, " ");
    else if (child.tagName === "BR") text += "\n";
    else if (child.tagName === "P") text += `${toText(child)}\n\n`;
    else if (/^(UL|OL)$/.test(child.tagName)) {
      [...child.children].forEach((item, at) => {
        const mark = child.tagName === "OL" ? `${at + 1}.` : "-";
        text += `${at || depth ? "\n" : ""}${"  ".repeat(depth)}${mark} ${toText(item, depth + 1).trim()}`;
      });
      if (!depth) text += "\n\n";
    } else if (child.tagName === "A") {
      const address = child.getAttribute("href").replace(/^mailto:/, "");
      const words = toText(child);
      text += words === address || words === child.getAttribute("href") ? words : `${words} (${address})`;
    } else text += toText(child, depth);
  }
  return depth ? text : text.replace(/\n{3,}/g, "\n\n");
}

function edit(form) {
  const box = form.querySelector("[data-rich]");
  const plain = form.querySelector("textarea#message");
  if (!box || !plain) return;
  const bar = box.querySelector("[role=toolbar]");
  const buttons = [...bar.querySelectorAll("[data-do]")];
  const panel = box.querySelector("[data-link]");
  const address = panel.querySelector("input");
  const wrong = panel.querySelector("[data-link-error]");
  const toggle = box.querySelector("[data-switch]");
  const html = make("input");
  const editor = make("div");
  let kept = null; // the formats as they were, for whoever switches to plain text and back without typing
  let known = plain.value;
  let place = null;

  html.type = "hidden";
  html.name = "html";
  editor.className = "input editor__area";
  editor.contentEditable = "true";
  editor.setAttribute("role", "textbox");
  editor.setAttribute("aria-multiline", "true");
  editor.setAttribute("aria-labelledby", "message-label");
  editor.dir = "auto";
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (plain.hasAttribute(name)) editor.setAttribute(name, plain.getAttribute(name));
  }
  box.querySelector("[data-area]").replaceWith(editor);
  box.append(html);
  document.getElementById("message-label").addEventListener("click", () => !editor.hidden && editor.focus());

  function fill(tree) {
    editor.replaceChildren(...tree.childNodes);
    if (!editor.firstChild) editor.append(fromText("").firstChild);
  }

  function sync() {
    const tree = clean(editor);
    html.value = tree.innerHTML;
    known = plain.value = toText(tree).trim();
  }

  // Whatever leads to #message leads to the field that is seen.
  function show(rich) {
    editor.hidden = bar.hidden = html.disabled = !rich;
    plain.hidden = rich;
    panel.hidden = true;
    editor.id = rich ? "message" : "";
    plain.id = rich ? "message-plain" : "message";
    toggle.textContent = rich ? toggle.dataset.toPlain : toggle.dataset.toRich;
  }

  function state() {
    if (!editor.contains(document.getSelection()?.anchorNode)) return;
    for (const button of buttons) {
      if (button.dataset.do === "link") button.classList.toggle("on", !!anchor());
      else button.setAttribute("aria-pressed", String(document.queryCommandState(button.dataset.do)));
    }
  }

  function anchor() {
    const node = document.getSelection()?.anchorNode;
    const found = (node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement)?.closest("a");
    return found && editor.contains(found) ? found : null;
  }

  function run(command, value) {
    editor.focus();
    document.execCommand("styleWithCSS", false, false);
    document.execCommand(command, false, value);
    sync();
    editor.dispatchEvent(new Event("input", { bubbles: true }));
    state();
  }

  // ---------- links
  function openLink() {
    const selection = document.getSelection();
    place = selection.rangeCount && editor.contains(selection.anchorNode) ? selection.getRangeAt(0).cloneRange() : null;
    address.value = anchor()?.getAttribute("href") ?? "";
    said(false);
    panel.hidden = false;
    buttons.at(-1).setAttribute("aria-expanded", "true");
    address.focus();
  }

  function closeLink() {
    panel.hidden = true;
    buttons.at(-1).setAttribute("aria-expanded", "false");
    editor.focus();
    if (!place) return;
    const selection = document.getSelection();
    selection.removeAllRanges();
    selection.addRange(place);
  }

  function said(bad) {
    wrong.hidden = !bad;
    address.toggleAttribute("aria-invalid", bad);
    if (bad) address.setAttribute("aria-describedby", "link-error");
    else address.removeAttribute("aria-describedby");
  }

  function setLink() {
    let target = address.value.trim();
    if (!WEB.test(target)) target = /^[^\s/@]+@[^\s/@]+$/.test(target) ? `mailto:${target}` : `https://${target}`;
    const parsed = URL.canParse?.(target) ?? true;
    if (!parsed || /\s/.test(target) || target === "https://") {
      said(true);
      return address.focus();
    }
    closeLink();
    const inside = anchor();
    if (inside) {
      inside.setAttribute("href", target);
      sync();
      return void editor.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (document.getSelection().isCollapsed) {
      const made = make("a");
      made.href = target;
      made.textContent = address.value.trim();
      return run("insertHTML", made.outerHTML);
    }
    run("createLink", target);
  }

  function dropLink() {
    closeLink();
    const inside = anchor();
    if (inside) document.getSelection().selectAllChildren(inside);
    run("unlink");
  }

  panel.querySelector("[data-link-set]").addEventListener("click", setLink);
  panel.querySelector("[data-link-off]").addEventListener("click", dropLink);
  panel.querySelector("[data-link-cancel]").addEventListener("click", closeLink);
  panel.addEventListener("input", (event) => event.stopPropagation());
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeLink();
    if (event.key !== "Enter" || event.target !== address || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    setLink();
  });

  // ---------- the toolbar: one stop for Tab, arrows inside (WAI-ARIA APG, toolbar)
  buttons.forEach((button, at) => (button.tabIndex = at ? -1 : 0));
  bar.addEventListener("keydown", (event) => {
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const at = buttons.indexOf(document.activeElement);
    const to = { [forward]: at + 1, Home: 0, End: buttons.length - 1 }[event.key] ?? (/^Arrow(Left|Right)$/.test(event.key) ? at - 1 : null);
    if (to === null || at < 0) return;
    event.preventDefault();
    buttons.forEach((button) => (button.tabIndex = -1));
    const next = buttons.at(to % buttons.length);
    next.tabIndex = 0;
    next.focus();
  });
  for (const button of buttons) {
    button.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays
    button.addEventListener("click", () => {
      if (button.dataset.do === "link") return panel.hidden ? openLink() : closeLink();
      const typing = document.activeElement === editor;
      run(button.dataset.do);
      if (!typing) button.focus();
    });
  }
  document.addEventListener("selectionchange", state);

  // ---------- what is typed and pasted
  editor.addEventListener("input", sync);
  editor.addEventListener("keyup", state);
  editor.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    event.preventDefault();
    if (data.files.length && !data.getData("text/plain")) {
      form.dispatchEvent(new CustomEvent("files-given", { detail: [...data.files] }));
      return;
    }
    const markup = data.getData("text/html");
    const text = data.getData("text/plain").replace(/\r\n?/g, "\n");
    const tree = markup ? clean(new DOMParser().parseFromString(markup, "text/html").body) : fromText(text);
    const single = tree.children.length === 1 && tree.firstChild.tagName === "P";
    if (!tree.firstChild) return;
    run("insertHTML", single ? tree.firstChild.innerHTML : tree.innerHTML);
  });

  toggle.addEventListener("click", () => {
    const toPlain = !editor.hidden;
    if (toPlain) {
      sync();
      kept = { html: html.value, text: plain.value };
    } else if (kept && kept.text === plain.value) {
      fill(new DOMParser().parseFromString(kept.html, "text/html").body);
    } else {
      fill(fromText(plain.value));
    }
    show(!toPlain);
    if (!toPlain) sync();
    (toPlain ? plain : editor).focus();
    (toPlain ? plain : editor).dispatchEvent(new Event("input", { bubbles: true }));
  });

  const begun = clean(new DOMParser().parseFromString(box.dataset.html, "text/html").body);
  html.value = begun.innerHTML;
  fill(begun.firstChild ? begun : fromText(plain.value));
  document.execCommand("defaultParagraphSeparator", false, "p");
  const typing = document.activeElement === plain;
  box.hidden = false;
  show(true);
  if (typing) editor.focus();
  // On the way back a browser puts what was typed into the plain field again: what would be sent must be seen.
  addEventListener("pageshow", () => {
    if (editor.hidden || plain.value === known) return;
    fill(fromText(plain.value));
    sync();
  });
}

const begin = () => document.querySelectorAll("form[data-upload]").forEach(edit);
document.addEventListener("form-replaced", begin);
begin();
