"""Plain text: shown as safe HTML, and made from HTML."""

import html
import re

_QUOTE_SUMMARY = "Show quoted text"
_FOLDED_FROM = 3  # quoted lines
_LINK = re.compile(
    r"""(?:https?://|mailto:|www\.(?=[\w-]))[^\s<>"'\x00-\x20\u200b-\u200f\u202a-\u202e\u2066-\u2069]{2,2000}""",
    re.IGNORECASE,
)
_AFTER_LINK = ".,;:!?'*_"
_PAIRS = {")": "(", "]": "[", "}": "{"}

_DROPPED = re.compile(
    r"<(script|style|title|template)\b(?:(?!</\1\b).)*+(?:</\1[^<>]*+>?|\Z)", re.IGNORECASE | re.DOTALL
)
_COMMENT = re.compile(r"<!--(?:(?!-->).)*+(?:-->|\Z)|<[!?][^<>]*+>?", re.DOTALL)
_LINE_TAG = re.compile(r"<(?:br|/p|/div|/tr|/h[1-6]|/li|/blockquote|/table|/ul|/ol|hr|/pre)\b[^<>]*+>?", re.IGNORECASE)
_CELL_TAG = re.compile(r"</t[dh]\b[^<>]*+>?", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z](?:[^<>\"']++|\"[^\"<>]*+\"|'[^'<>]*+'|[\"'])*+>?")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def to_html(text: str, summary: str = _QUOTE_SUMMARY) -> str:
    """`text` as HTML that is safe to show: escaped, links made, runs of three and more quoted lines folded away.

    Line breaks and runs of spaces are kept; `summary` labels what unfolds the quote.
    """
    pieces: list[str] = []
    lines = text.split("\n")
    start = 0
    while start < len(lines):
        end = start
        quoted = lines[start].startswith(">")
        while end < len(lines) and lines[end].startswith(">") == quoted:
            end += 1
        block = "<br>\n".join([_line(line) for line in lines[start:end]])
        if quoted and end - start >= _FOLDED_FROM:
            block = f"<details><summary>{html.escape(summary)}</summary>\n{block}</details>"
        pieces.append(block)
        start = end
    return "<br>\n".join(pieces)


def _line(line: str) -> str:
    pieces: list[str] = []
    end = 0
    for match in _LINK.finditer(line):
        address = _without_tail(match[0])
        pieces += [_escaped(line[end : match.start()]), _anchor(address)]
        end = match.start() + len(address)
    return "".join(pieces) + _escaped(line[end:])


def _escaped(text: str) -> str:
    return html.escape(text).replace("\t", "    ").replace("  ", " \u00a0")


def _without_tail(address: str) -> str:
    """A link without the punctuation of the sentence around it."""
    while address and (address[-1] in _AFTER_LINK or _unpaired(address)):
        address = address[:-1]
    return address


def _unpaired(address: str) -> bool:
    opening = _PAIRS.get(address[-1])
    return opening is not None and address.count(address[-1]) > address.count(opening)


def _anchor(address: str) -> str:
    shown = html.escape(address)
    target = shown if ":" in address[:8] else "https://" + shown
    return f'<a href="{target}" target="_blank" rel="noopener noreferrer nofollow">{shown}</a>'


def unflowed(text: str, delete_space: bool = False) -> str:
    """Text of format=flowed with its soft line ends joined (RFC 3676 §4); quotes keep their depth marks."""
    joined: list[list[str]] = []
    open_depth = -1  # quote depth of the paragraph that goes on, -1 when none does
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        signature = content == "-- "
        flows = content.endswith(" ") and not signature
        kept = content[:-1] if flows and delete_space else content
        if depth == open_depth and not signature:
            joined[-1].append(kept)
        else:
            joined.append([">" * depth, " " if depth else "", kept])
        open_depth = depth if flows else -1
    return "\n".join(["".join(pieces) for pieces in joined])


def from_html(source: str) -> str:
    """The readable text of HTML, a line for each block, in linear time whatever the nesting; it is not escaped."""
    source = _COMMENT.sub("", _DROPPED.sub("", source))
    source = _SPACE.sub(" ", source)
    source = _TAG.sub("", _CELL_TAG.sub("\t", _LINE_TAG.sub("\n", source)))
    lines = [line.strip() for line in html.unescape(source).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
