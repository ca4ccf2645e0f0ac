"""What a page must keep when somebody looks at it in their own way: colours of the system, no motion, twice the text.

Each asks a page in Chromium and answers with the elements that fail, so that an empty list is what is wanted.
"""

from __future__ import annotations

from playwright.sync_api import Page

_SHOWN = """const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width > 1
  && !e.closest(".vh, .skip");
const said = (e) =>
  `${e.tagName.toLowerCase()}.${e.className.baseVal ?? e.className} ${e.textContent.trim().slice(0, 40)}`;
"""


def _asked(body: str) -> str:
    return "() => { " + _SHOWN + body + "}"


_EDGELESS = _asked("""
  const edge = (e) => { const s = getComputedStyle(e); return parseFloat(s.borderTopWidth) >= 1
    && s.borderTopStyle !== "none" && s.borderTopColor !== s.backgroundColor; };
  const native = (e) => getComputedStyle(e).appearance !== "none" && /^(checkbox|radio|file)$/.test(e.type);
  return [...document.querySelectorAll(".btn, button, input, textarea, select, .chip")]
    .filter((e) => e.type !== "hidden" && shown(e) && !native(e) && !edge(e)
      && !/underline/.test(getComputedStyle(e).textDecorationLine) && !e.closest("summary"))
    .map((e) => `no edge: ${said(e)}`);
""")
_UNFOCUSED = _asked("""
  const seen = (e) => { const s = getComputedStyle(e); return s.outlineStyle !== "none"
    && parseFloat(s.outlineWidth) >= 2 && s.outlineColor !== s.backgroundColor; };
  const found = [];
  for (const e of document.querySelectorAll("a[href], button, input, textarea, select, summary")) {
    if (e.type === "hidden" || e.disabled || !e.checkVisibility({ visibilityProperty: true })) continue;
    e.focus({ focusVisible: true, preventScroll: true });
    if (document.activeElement === e && !seen(e)) found.push(`focus is not seen: ${said(e)}`);
  }
  document.activeElement.blur();
  return found;
""")
_LOST_ICONS = _asked("""
  const paints = (e) => ["fill", "stroke"].map((name) => getComputedStyle(e)[name]).filter((p) => p !== "none");
  const behind = (e) => { for (let up = e; up; up = up.parentElement) {
    const colour = getComputedStyle(up).backgroundColor; if (!/, 0\\)$|transparent/.test(colour)) return colour; }
    return getComputedStyle(document.documentElement).backgroundColor; };
  return [...document.querySelectorAll("svg.i")].filter((e) => shown(e)
      && [...e.querySelectorAll("path, circle, rect, use"), e].every((part) =>
        paints(part).every((paint) => paint === behind(e))))
    .map((e) => `an icon is lost: ${said(e.parentElement)}`);
""")
_NOT_CURRENT = _asked("""
  const drawn = (e) => { const s = getComputedStyle(e); return [s.borderTopWidth, s.borderInlineStartWidth,
    s.borderTopStyle, s.textDecorationLine, s.outlineStyle, s.backgroundColor, s.borderTopColor].join(); };
  return [...document.querySelectorAll("[aria-current]:not([aria-current=false])")].filter((e) => shown(e)
      && [...e.parentElement.children].some((other) => other !== e && !other.matches("[aria-current]")
        && shown(other) && other.tagName === e.tagName && drawn(other) === drawn(e)))
    .map((e) => `looks like the others: ${said(e)}`);
""")
_MOVING = _asked("""
  const lasts = (e) => { const s = getComputedStyle(e);
    return s.transitionDuration.split(",").some((d) => parseFloat(d) > 0) && s.transitionProperty !== "none"
      || s.animationName !== "none"; };
  return [...document.querySelectorAll("*")].filter(lasts).map((e) => `moves: ${said(e)}`)
    .concat(document.getAnimations().map(() => "an animation runs"));
""")
_CLIPPED = _asked("""
  const cuts = (value) => value === "hidden" || value === "clip";
  return [...document.querySelectorAll("main *, header *, footer *")].filter((e) => { const s = getComputedStyle(e);
    return shown(e) && e.childNodes.length && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
      && (cuts(s.overflowY) && e.scrollHeight > e.clientHeight + 2
        || cuts(s.overflowX) && s.textOverflow !== "ellipsis" && e.scrollWidth > e.clientWidth + 2);
  }).map((e) => `text is cut: ${said(e)}`);
""")


def in_forced_colours(page: Page) -> list[str]:
    """With the system's few colours (Windows contrast themes): edges, focus, icons and what is current stay seen."""
    page.emulate_media(forced_colors="active", color_scheme="dark")
    found: list[str] = []
    for asked in (_EDGELESS, _UNFOCUSED, _LOST_ICONS, _NOT_CURRENT):
        found += page.evaluate(asked)
    page.emulate_media(forced_colors="none", color_scheme="light")
    return found


def moving(page: Page) -> list[str]:
    """What would still move for somebody who asked for less motion."""
    page.emulate_media(reduced_motion="reduce")
    found: list[str] = page.evaluate(_MOVING)
    return found


def clipped(page: Page) -> list[str]:
    """Text that its box cuts off."""
    found: list[str] = page.evaluate(_CLIPPED)
    return found


def with_large_text(page: Page) -> None:
    """Twice the size of text, as set in the browser: lengths in rem grow with it, those of media queries too."""
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    page.wait_for_function("() => getComputedStyle(document.documentElement).fontSize === '32px'")
