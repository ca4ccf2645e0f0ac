"""Formatted text: bold, italic, lists and links, and nothing else, whatever was posted; and the same as plain text."""

from __future__ import annotations

from html.parser import HTMLParser

import nh3

from portal.mime.nesting import Flattened

LONGEST = 500_000
"""Characters of HTML as posted."""
MOST_MARKS = 20_000
"""Tags, and signs written as &…; more than anyone writes, and cleaning so many takes 0.2 s."""
TAGS = frozenset(["p", "br", "strong", "em", "ul", "ol", "li", "a"])
_FORMATS = frozenset(["strong", "em", "ul", "ol", "li"])
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}}
_SCHEMES = {"http", "https", "mailto"}
_LONGEST_LINK = 2000
_EMPTIED = {"script", "style", "title", "template", "textarea", "noscript", "iframe", "svg", "math", "select", "xmp"}


def cleaned(posted: str) -> str:
    """`posted` with TAGS alone, links of the web and of mail alone; "" when that leaves no format to keep.

    What is more than LONGEST or MOST_MARKS is dropped whole: its plain text came beside it.
    """
    if not posted or len(posted) > LONGEST or posted.count("<") + posted.count("&") > MOST_MARKS:
        return ""
    # First well nested and shallow: parsing takes quadratic time in depth (portal.mime.nesting).
    shallow = Flattened(posted.replace("\0", ""), TAGS, _ATTRIBUTES).html
    safe = nh3.clean(
        shallow,
        tags=set(TAGS),
        clean_content_tags=_EMPTIED,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_short_link,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel=None,
    )
    reading = _Reading()
    reading.feed(safe)
    reading.close()
    return safe if reading.formats else ""


def text_of(html: str) -> str:
    """What cleaned HTML says, as plain text: paragraphs with a line between, lists with - or numbers, links after their
    words."""
    reading = _Reading()
    reading.feed(html)
    reading.close()
    return reading.text


def _short_link(_tag: str, _name: str, value: str) -> str | None:
    return value if len(value) <= _LONGEST_LINK else None


class _Reading(HTMLParser):
    """Reads cleaned HTML: its text, and whether it has any format."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.formats = False
        self._out: list[str] = []
        self._lists: list[int | None] = []
        self._link, self._words = "", ""

    @property
    def text(self) -> str:
        lines = "".join(self._out).split("\n")
        kept: list[str] = []
        for line in map(str.rstrip, lines):
            if line or (kept and kept[-1]):
                kept.append(line)
        return "\n".join(kept).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.formats = self.formats or tag in _FORMATS or (tag == "a" and bool(attrs))
        if tag == "br":
            self._out.append("\n")
        elif tag in ("ul", "ol"):
            self._end_line(blank=not self._lists)
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._end_line()
            self._out.append(self._mark())
        elif tag == "a":
            self._link, self._words = dict(attrs).get("href") or "", ""
        elif tag == "p" and not self._lists:
            self._end_line(blank=True)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            address = self._link.removeprefix("mailto:")
            if self._words.strip() not in (self._link, address):
                self._out.append(f" ({address})")
            self._link = ""
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
            self._end_line(blank=not self._lists)
        elif tag in ("p", "li"):
            self._end_line(blank=tag == "p" and not self._lists)

    def handle_data(self, data: str) -> None:
        words = " ".join(data.replace("\u00a0", " ").split(" ")).replace("\n", " ")
        self._words += words
        if words.strip() or (self._out and not self._out[-1].endswith("\n")):
            self._out.append(words)

    def _mark(self) -> str:
        if not self._lists:
            return "- "
        indent, number = "  " * (len(self._lists) - 1), self._lists[-1]
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number + 1}. "

    def _end_line(self, *, blank: bool = False) -> None:
        if self._out and (blank or not self._out[-1].endswith("\n")):
            self._out.append("\n\n" if blank else "\n")
