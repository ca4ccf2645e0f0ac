"""Names the real host behind a link whose text looks like another one."""

import html as entities
import re
from urllib.parse import unquote, urlsplit

_ANCHOR = re.compile(r'<a(?:\s[a-z-]+="[^"]*")*>|</a>')
_HREF = re.compile(r'\shref="([^"]*)"')
_ANY_TAG = re.compile(r'<[^<>"]*(?:"[^"]*"[^<>"]*)*>')
_INVISIBLE = re.compile(r"[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_HOST = r"((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?=[/:?#\s),;!]|\.?(?:\s|\Z))"
_HOST_AT_START = re.compile(r"(?:https?://)?(?:[^\s/@<>]{0,100}@)?" + _HOST)
_HOST_ANYWHERE = re.compile(r"(?:\bhttps?://(?:[^\s/@<>]{0,100}@)?|\b(?=www\.))" + _HOST, re.IGNORECASE)


def with_hosts(safe: str) -> str:
    """Write the real host in brackets after each link whose text looks like another one."""
    pieces: list[str] = []
    end = text_start = 0
    href = ""
    for match in _ANCHOR.finditer(safe):
        if match[0] != "</a>":
            found = _HREF.search(match[0])
            href, text_start = (entities.unescape(found[1]) if found else ""), match.end()
            continue
        host = _hidden_host(href, safe[text_start : match.start()]) if href else ""
        said = f" [{entities.escape(host)}]"
        if host and not safe.startswith(said, match.end()):  # it is there where this was cleaned before
            pieces += [safe[end : match.end()], said]
            end = match.end()
        href = ""
    return "".join(pieces) + safe[end:]


def _hidden_host(href: str, shown: str) -> str:
    """The host that `href` really goes to when the link's text names another one, else ""."""
    try:
        parts = urlsplit(href)
        host = (parts.hostname or "") if parts.scheme != "mailto" else unquote(parts.path).rpartition("@")[2].lower()
    except ValueError:
        host = href[:100]
    text = entities.unescape(_ANY_TAG.sub("", shown[:20_000])).strip()
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    named = _HOST_AT_START.match(text) or _HOST_ANYWHERE.search(text)
    if not host or named is None:
        return ""
    return "" if _same_site(named[1].lower(), host) else host


def _same_site(named: str, host: str) -> bool:
    """Whether a reader who expects `named` is not misled by `host`: equal, or equal but for "www."."""
    return named.removeprefix("www.") == _readable(host).removeprefix("www.") or named == host


def _readable(host: str) -> str:
    if "xn--" not in host:
        return host
    try:
        return host.encode("ascii").decode("idna")
    except (UnicodeError, ValueError):
        return host
