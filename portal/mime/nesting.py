"""Rewrites large HTML into well nested, shallow tags, so that parsing it takes linear time."""

import re
from collections.abc import Collection, Mapping

_DEEPEST = 256  # browsers themselves flatten at 512
_MOST_FORMATS = 16  # formatting elements open at once: a parser opens each again in every paragraph that follows
_MOST_ATTRIBUTES = 40

# Tags and comments as browsers cut them (HTML Living Standard §13.2.5): a quote matters only after "=".
_ATTRIBUTE = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
TOKEN = re.compile(
    rf"<(/?)([a-zA-Z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE})*+)(?:>|\Z)"
    r"|<!--(?:-?>|(?:(?!--!?>).)*+(?:--!?>|\Z))|<(?:[!?]|/(?![a-zA-Z]))[^>]*+(?:>|\Z)",
    re.DOTALL,
)
ATTRIBUTES = re.compile(r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+))?+)?+""")
# Writing one piece of text takes quadratic time in its "&" and no-break spaces (400,000 took 4 s), so a long one is cut
# before one of them, by a comment: the parser would join the pieces again, and the cleaner takes it out.
_MOST_ESCAPED = 1000
_ESCAPED_RUN = re.compile(rf"[^&\xa0]*+(?:[&\xa0][^&\xa0]*+){{1,{_MOST_ESCAPED}}}+")
_CUT = "<!---->"
_RAW = frozenset(
    ["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript", "template"]
)
END_OF_RAW = {name: re.compile(rf"</{name}(?=[\s/>])[^>]*+>?", re.IGNORECASE) for name in _RAW}
VOID = frozenset(["br", "hr", "img", "wbr", "col"])
FORMATS = frozenset(["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"])
# What an opening tag closes when it is on top, as parsers do.
_CLOSES = {
    "p": {"p"},
    "li": {"li"},
    "dd": {"dd", "dt"},
    "dt": {"dd", "dt"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tr": {"td", "th", "tr"},
}
_OF_TABLES = frozenset(["td", "th", "tr", "tbody", "thead", "tfoot", "caption", "table"])
_CELLS = frozenset(["td", "th", "caption", "table"])


class Flattened:
    """Well nested HTML made from any tag soup, with allowed tags and attributes only. Safe only after cleaning.

    `html` is the result, at most 256 levels deep; `handlers` tells whether an event handler was dropped.
    """

    def __init__(self, source: str, tags: Collection[str], attributes: Mapping[str, Collection[str]]) -> None:
        self._tags = tags
        self._attributes = attributes
        self._out: list[str] = []
        self._stack: list[str] = []
        self._formats = 0
        self.handlers = False
        self.html = self._rewritten(source)

    def _rewritten(self, source: str) -> str:
        end = 0
        while (match := TOKEN.search(source, end)) is not None:
            self._text(source[end : match.start()])
            end = match.end()
            if match[2] is None:
                continue  # a comment
            tag = match[2].lower()
            if match[1]:
                self._close(tag)
            elif tag in _RAW:
                finish = END_OF_RAW[tag].search(source, end)
                end = finish.end() if finish else len(source)
            else:
                self._open(tag, match[3])
        self._text(source[end:])
        self._pop_to(0)
        return "".join(self._out)

    def _text(self, text: str) -> None:
        # A "<" that opens nothing here must not open something next to its new neighbours.
        text = text.replace("<", "&lt;") if "<" in text else text
        if text.count("&") + text.count("\xa0") > _MOST_ESCAPED:
            text = _CUT.join(_ESCAPED_RUN.findall(text))
        self._out.append(text)

    def _open(self, tag: str, attributes: str) -> None:
        written = self._written(tag, attributes) if attributes else ""
        if tag not in self._tags:
            return
        if tag in VOID:
            self._out.append(f"<{tag}{written}>")
            return
        closes = _CLOSES.get(tag)
        while closes and self._stack and self._stack[-1] in closes:
            self._pop_to(len(self._stack) - 1)
        if len(self._stack) >= _DEEPEST or (tag in FORMATS and self._formats >= _MOST_FORMATS):
            return
        self._stack.append(tag)
        self._formats += tag in FORMATS
        self._out.append(f"<{tag}{written}>")

    def _close(self, tag: str) -> None:
        walls = {"table"} if tag in _OF_TABLES else _CELLS
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] == tag:
                self._pop_to(place)
                return
            if self._stack[place] in walls:
                return  # as parsers do: what was opened outside of a cell is not closed within

    def _pop_to(self, place: int) -> None:
        while len(self._stack) > place:
            tag = self._stack.pop()
            self._formats -= tag in FORMATS
            self._out.append(f"</{tag}>")

    def _written(self, tag: str, attributes: str) -> str:
        general, own = self._attributes["*"], self._attributes.get(tag, ())
        kept: list[str] = []
        seen: set[str] = set()
        for name, double, single, bare in ATTRIBUTES.findall(attributes):
            name = name.lower()
            if name.startswith("on") and len(name) > 2:
                self.handlers = True
            if name in seen or not (name in general or name in own) or len(kept) >= _MOST_ATTRIBUTES:
                continue
            seen.add(name)
            # As written, because "&copy=" means one thing here and another in text; only the quotes are new.
            value = (double or single or bare).replace('"', "&quot;")
            kept.append(f' {name}="{value}"')
        return "".join(kept)
