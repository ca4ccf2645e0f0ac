"""Plain text: shown as safe HTML, and made from HTML."""

import html
import re
from itertools import groupby

from portal.mime.nesting import ATTRIBUTES, END_OF_RAW, TOKEN

_FOLDED_FROM = 3  # quoted lines
_DEEPEST_QUOTE = 12
_QUOTED = re.compile(r"(?:> ?)+")
_SIGNATURE = re.compile(r"-- ?\Z")
# What mail programs put above the message that an answer is written over, where they do not quote it line by line.
_HISTORY = re.compile(
    r"-{3,}\s*(?:original message|original appointment|ursprüngliche nachricht|original-nachricht"
    r"|message d['’]origine|mensaje original|messaggio originale"
    r"|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|wiadomość oryginalna"
    r"|исходное сообщение|orijinal mesaj|元のメッセージ|原始邮件)\s*-{3,}\s*\Z|_{30,}\s*\Z",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"""(?:https?://(?=[\w\[])|mailto:(?=[^\s@]{1,64}@)|www\.(?=[\w-]+\.\w))"""
    r"""[^\s<>"'\x00-\x20\u200b-\u200f\u202a-\u202e\u2066-\u2069]{2,2000}""",
    re.IGNORECASE,
)
_AFTER_LINK = ".,;:!?'*_…，。、；：！？）】」』》”’"
_PAIRS = {")": "(", "]": "[", "}": "{"}

_DROPPED = frozenset({"script", "style", "title", "template"})
_AS_WRITTEN = frozenset({"textarea", "xmp"})
_ENDS_LINE = frozenset(
    ["br", "hr", "p", "div", "tr", "li", "ul", "ol", "table", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"]
)
_NEVER_SHOWN = frozenset({"script", "style"})
_FOREIGN = re.compile(r"<(?:svg|math)\b", re.IGNORECASE)
_SAYS = frozenset({"alt", "title", "value", "placeholder", "label", "aria-label"})
_FOR_WORD = re.compile(r"<!--\[if\b[^>]*+>(.*?)(?:<!\[endif\]-->|-->|\Z)", re.IGNORECASE | re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def to_html(text: str, summary: str = "") -> str:
    """`text` as HTML that is safe to show: a paragraph for each, links made, quotes as such.

    Line breaks and runs of spaces are kept; each paragraph has its own direction. With a `summary`, which labels what
    unfolds them, long quotes and the message below an answer are folded away. What follows the line "-- " is marked as
    a signature (RFC 3676 §4.3).
    """
    lines = text.strip("\n").split("\n")
    history = _history(lines) if summary else len(lines)
    shown = _blocks(lines[:history], summary)
    if history < len(lines):
        shown += _folded(_blocks(lines[history:], summary), summary)
    return shown


def _history(lines: list[str]) -> int:
    """Where the message below an answer begins, or the number of lines when there is none or nothing stands above."""
    for place, line in enumerate(lines):
        if line[:1] in "-_" and _HISTORY.match(line):
            # A line of strokes alone may part anything; below the mail program's own stand header fields.
            below = lines[place + 1 : place + 5]
            if (line[0] == "-" or sum(":" in field[:24] for field in below) >= 2) and any(
                map(str.strip, lines[:place])
            ):
                return place
    return len(lines)


def _blocks(lines: list[str], summary: str) -> str:
    """Paragraphs, quotes and a signature, each in its element."""
    pieces: list[str] = []
    for quoted, run in groupby(lines, _is_quoted):
        block = list(run)
        if not quoted:
            pieces.append(_paragraphs(block))
        else:
            quote = _quote([_unquoted(line) for line in block])
            pieces.append(_folded(quote, summary) if summary and len(block) >= _FOLDED_FROM else quote)
    return "\n".join(filter(None, pieces))


def _is_quoted(line: str) -> bool:
    return line.startswith(">") and not line.startswith(">From ")  # mbox writes that before a line "From "


def _unquoted(line: str) -> tuple[int, str]:
    """The depth of a quoted line and its text."""
    marks = _QUOTED.match(line)
    end = marks.end() if marks else 0
    return min(line.count(">", 0, end), _DEEPEST_QUOTE), line[end:]


def _quote(lines: list[tuple[int, str]]) -> str:
    pieces: list[str] = []
    open_ = 0
    for depth, run in groupby(lines, lambda line: line[0]):
        pieces.append("<blockquote>" * (depth - open_) + "</blockquote>" * (open_ - depth))
        pieces.append(_paragraphs([text for _, text in run]))
        open_ = depth
    return "".join(pieces) + "</blockquote>" * open_


def _folded(block: str, summary: str) -> str:
    return f"<details><summary><span>{html.escape(summary)}</span></summary>\n{block}</details>"


def _paragraphs(lines: list[str]) -> str:
    place = max((place for place, line in enumerate(lines) if _SIGNATURE.match(line)), default=len(lines))
    pieces = _runs(lines[:place])
    if place < len(lines):
        pieces.append('<div class="signature">' + "\n".join(_runs(lines[place:])) + "</div>")
    return "\n".join(pieces)


def _runs(lines: list[str]) -> list[str]:
    """A paragraph for each run of lines; the empty lines between two stand for the space between them."""
    runs = [list(run) for empty, run in groupby(lines, lambda line: not line.strip()) if not empty]
    return [f'<p dir="auto">{"<br>".join(map(_line, run))}</p>' for run in runs]


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
    # An address reads from left to right also within a text that does not.
    return f'<a dir="ltr" href="{target}" target="_blank" rel="noopener noreferrer nofollow">{shown}</a>'


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


def from_html(source: str, *, for_rules: bool = False) -> str:
    """The readable text of HTML, a line for each block, in linear time whatever the nesting; it is not escaped.

    Tags and comments are cut as browsers cut them. `for_rules` adds what only some programs show: words of attributes,
    templates, styles within drawings, and what is written for Outlook alone (`<!--[if mso]>`).
    """
    source = _SPACE.sub(" ", source)
    dropped = _DROPPED if not for_rules else frozenset() if _FOREIGN.search(source) else _NEVER_SHOWN
    pieces: list[str] = []
    end = 0
    while (match := TOKEN.search(source, end)) is not None:
        pieces.append(source[end : match.start()])
        end = match.end()
        tag = (match[2] or "").lower()
        if not tag:
            pieces.append(_only_in_word(match[0]) if for_rules else "")
        elif not match[1] and (tag in dropped or tag in _AS_WRITTEN):
            finish = END_OF_RAW[tag].search(source, end)
            if tag in _AS_WRITTEN:
                pieces.append(source[end : finish.start() if finish else len(source)])
            end = finish.end() if finish else len(source)
        elif tag in ("td", "th"):
            pieces.append("\t" if match[1] else "")
        elif tag in _ENDS_LINE and (match[1] or tag in ("br", "hr")):
            pieces.append("\n")
        if for_rules and match[3]:
            pieces.append(_said_by_attributes(match[3]))
    pieces.append(source[end:])
    lines = [line.strip() for line in html.unescape("".join(pieces)).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _only_in_word(comment: str) -> str:
    """What Outlook shows of a comment, for it draws HTML as Word does; and what is none within a drawing."""
    if comment.startswith("<![CDATA["):
        return comment[9:]
    found = _FOR_WORD.match(comment)
    return f"\n{from_html(found[1])}\n" if found else ""


def _said_by_attributes(attributes: str) -> str:
    said = [
        double or single or bare
        for name, double, single, bare in ATTRIBUTES.findall(attributes)
        if name.lower() in _SAYS
    ]
    return f" {' '.join(said)} " if said else ""
