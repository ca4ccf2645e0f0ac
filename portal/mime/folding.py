"""Long bodies made short: the history below an answer folded away, and the first part of what is very long.

For cleaned HTML only, whose tags are well nested; no script is needed to unfold.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator

from portal.mime.nesting import VOID

_TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)((?:\s[a-z-]+(?:="[^"]*")?)*)\s*/?>')
# What the cleaner leaves of the marks that mail programs put around the message an answer is written over.
_QUOTE = re.compile(r'\s(?:type="cite"|class="gmail_quote")')
_BELOW = re.compile(r'\sid="divRplyFwdMsg"')  # of Outlook, before that message, not around it
_SHORTEST = 400  # characters with tags; less is no gain


def fold_history(html: str, summary: str) -> str:
    """Cleaned HTML with the quoted history at its end in a `<details>` that `summary` labels.

    Left as it is when nothing stands above the history, or something below it, as in answers between the lines.
    """
    found = _history(html)
    if found is None:
        return html
    start, end = found
    opening = f"<details><summary>{entities.escape(summary)}</summary>"
    return f"{html[:start]}{opening}{html[start:end]}</details>{html[end:]}"


def _history(html: str) -> tuple[int, int] | None:
    """Where the history begins and ends, both between the same two tags of the tree."""
    if _QUOTE.search(html) is None and _BELOW.search(html) is None:
        return None
    start, level, quoted = -1, 0, False
    end = len(html)
    for match, depth in _walk(html):
        if start < 0:
            quoted = _QUOTE.search(match[3]) is not None
            if match[1] or not (quoted or _BELOW.search(match[3])):
                continue
            if not _says_something(html[: match.start()]):
                return None
            start, level = match.start(), depth
        elif match[1] and (depth == level if quoted else depth < level):
            # A quote ends with its own tag; what is below Outlook's mark, with the element around it.
            end = match.end() if quoted else match.start()
            break
    if start < 0 or end - start < _SHORTEST or _says_something(html[end:]):
        return None
    return start, end


def _walk(html: str) -> Iterator[tuple[re.Match[str], int]]:
    """Each tag and how many elements are open around it; an element's two tags have the same depth."""
    depth = 0
    for match in _TAG.finditer(html):
        if match[2] in VOID:
            continue
        depth -= bool(match[1])
        yield match, depth
        depth += not match[1]


def _says_something(html: str) -> bool:
    return any(not text.isspace() for text in _TAG.sub("\n", html).replace("&nbsp;", " ").split("\n") if text)


def first_part(html: str, most: int) -> str:
    """At most about `most` characters of cleaned HTML, cut between two tags and with all open elements closed."""
    if len(html) <= most:
        return html
    open_: list[str] = []
    end = 0
    for match in _TAG.finditer(html):
        if match.start() > most:
            break
        end = match.end()
        if match[2] in VOID:
            continue
        if not match[1]:
            open_.append(match[2])
        elif open_:
            open_.pop()
    # Between the last tag and there is but text; a space in it is never within a character's name.
    end = max(end, html.rfind(" ", end, most))
    return html[:end] + "".join(f"</{tag}>" for tag in reversed(open_))
