"""Makes the HTML of a mail safe to show: nothing in it runs, fetches, submits or covers."""

import html as entities
import re
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote

import nh3

from portal.mime import plain
from portal.mime.allowed import ATTRIBUTES, EMPTIED, TAGS
from portal.mime.hosts import with_hosts
from portal.mime.nesting import Flattened
from portal.mime.styles import clean_style

CLEANER_VERSION = 2

STYLED_UP_TO = 2 * 1024 * 1024  # characters; longer HTML loses its style attributes
CLEANED_UP_TO = 8 * 1024 * 1024  # characters; longer HTML is shown as its text
MOST_PICTURES = 50  # different addresses of pictures of the internet that a body can be shown with
_LONGEST_ADDRESS = 2000
# Parsing takes quadratic time in depth, open formatting elements and attributes of a tag (16,000 tags took 4 s), so
# what is larger than these is flattened first.
_NEVER_SLOW_TAGS = 1000
_NEVER_SLOW_LENGTH = 64 * 1024

# The marks of the history below an answer (portal.mime.folding), with the one value that each may have.
_MARKS = {"type": "cite", "class": "gmail_quote", "id": "divRplyFwdMsg"}
_MARK_TAGS = frozenset({"blockquote", "div"})
_OF_EVERY_LINK = {"target": "_blank", "rel": "noopener noreferrer nofollow"}
# Attributes that only load something are let through to the filter, which counts and drops them.
_FETCHING = frozenset({"background", "srcset", "poster", "lowsrc", "dynsrc"})
_ATTRIBUTES_SEEN = {tag: set(names | _FETCHING) for tag, names in ATTRIBUTES.items()}

_ACTIVE_TAG = re.compile(
    r"<(?:script|form|input|button|select|textarea|iframe|frame|frameset|object|embed|applet|svg|math|base|audio|video"
    r"|portal|fencedframe|meta(?=[^<>]*http-equiv\s*+=\s*+[\"']?\s*+(?:refresh|&#|set-cookie)))(?=[\s/>]|\Z)",
    re.IGNORECASE,
)
# nh3 drops some tags (body, unknown ones) before their attributes reach the filter.
_HANDLER = re.compile(r"<[a-z][^\s<>/]*+[^<>]*?[\s/\"']on[a-z]{3,24}\s*=", re.IGNORECASE)
_REMARK = re.compile(r"<!--(?:(?!-->).)*+(?:-->|\Z)", re.DOTALL)

_URL_NOISE = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_URL_BREAKS = re.compile(r"[\t\r\n]")  # parsers of URLs take them out (URL Standard, section 4.4)
_REMOTE = re.compile(r"https?://[^\s/\\]", re.IGNORECASE)
_LINK = re.compile(
    r"(?:https?://[^\s\"'<>\\]{1,4000}|mailto:[^\s\"'<>]{1,2000}|tel:[0-9+()*#;=.,/ -]{1,60})", re.IGNORECASE
)
_ACTIVE_SCHEME = re.compile(
    r"(?:javascript|vbscript|livescript|mocha|data|file|about|blob|filesystem|view-source)\s*:", re.IGNORECASE
)
_PICTURE_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp);base64,[A-Za-z0-9+/=\s%]*", re.IGNORECASE)

# Only the cleaner writes either: of what a sender writes, `src` keeps no such address, and `data-picture` goes.
_SHOWN, _HIDDEN = ' src="picture/', ' data-picture="picture/'
_HIDDEN_NUMBER = re.compile(r' data-picture="picture/(\d{1,6})"')
_IMAGE = re.compile(r'<img(?:\s[a-z-]+="[^"]*")*>')
_OWN_PICTURE = re.compile(r"<img(?:[^>\"]|\"[^\"]*\")*?\ssrc=\"inline/\d+\"(?:[^>\"]|\"[^\"]*\")*>")


@dataclass(frozen=True, slots=True, repr=False)
class Cleaned:
    """HTML safe for a sandboxed frame, how many pictures of the internet and whether anything active were removed.

    `pictures` are addresses of those (http or https) that `with_pictures` can bring back, each once; in the HTML only
    their numbers stand, from 1.
    """

    html: str
    remote_pictures: int
    removed: bool
    pictures: tuple[str, ...] = ()


def without_own_pictures(cleaned: str) -> str:
    """HTML as `clean` wrote it, without the message's own pictures: where it goes to, their addresses lead nowhere."""
    return _OWN_PICTURE.sub("", cleaned)


def clean(html: str, inline: Mapping[str, str], located: Mapping[str, str] = MappingProxyType({})) -> Cleaned:
    """Clean the HTML of a mail; `inline` maps content ids (without <>) to the addresses to write for them, `located`
    the addresses that pictures of the mail itself stand for (Content-Location, RFC 2557).

    Takes linear time whatever the nesting. HTML over 8 Mi characters comes back as its text.
    """
    html = html.replace("\0", "")
    active = _is_active(html)
    if len(html) > CLEANED_UP_TO:
        return Cleaned(plain.to_html(plain.from_html(html)), 0, active)
    filtering = _Filter(inline, located, styled=len(html) <= STYLED_UP_TO)
    if len(html) > _NEVER_SLOW_LENGTH or html.count("<") > _NEVER_SLOW_TAGS:
        flattened = Flattened(html, TAGS, _ATTRIBUTES_SEEN)
        html, active = flattened.html, active or flattened.handlers
    before = _filtering.set(filtering)
    try:
        safe = _CLEANER.clean(html)
    finally:
        _filtering.reset(before)
    if filtering.pictures:
        safe = _IMAGE.sub(lambda found: found[0].replace(_SHOWN, _HIDDEN, 1), safe)
    pictures = tuple(filtering.pictures)
    return Cleaned(with_hosts(safe), filtering.remote_pictures, active or filtering.active, pictures)


def with_pictures(safe: str) -> str:
    """Cleaned HTML with its pictures of the internet, each asked for at `picture/` and its number."""
    return _IMAGE.sub(lambda found: found[0].replace(_HIDDEN, _SHOWN, 1), safe)


def clean_again(cleaned: str, pictures: Sequence[str], files: Iterable[int]) -> str:
    """What other rules of this cleaner let through, under those of now; `files` are the numbers of the mail's own.

    Own pictures stay, and pictures of the internet under their numbers in `pictures`; if these cannot be made out any
    more, they are gone.
    """

    def restored(image: re.Match[str]) -> str:
        found = _HIDDEN_NUMBER.search(image[0])
        number = int(found[1]) if found else 0
        if found is None or not 0 < number <= len(pictures):
            return image[0]
        return image[0].replace(found[0], f' src="{entities.escape(pictures[number - 1])}"', 1)

    own = {f"inline/{number}": f"inline/{number}" for number in files}
    again = clean(_IMAGE.sub(restored, cleaned), {}, own)
    if again.pictures == tuple(pictures):
        return again.html
    return _IMAGE.sub(lambda image: _HIDDEN_NUMBER.sub("", image[0]), again.html)


def _is_active(html: str) -> bool:
    """Whether tags that do something, or handlers, are in the source; the filter sees the other dangers."""
    if "<!--" in html:
        html = _REMARK.sub("", html)
    return _ACTIVE_TAG.search(html) is not None or _HANDLER.search(html) is not None


class _Filter:
    """Decides about one attribute at a time (nh3 takes an attribute out when this fails) and remembers what it saw."""

    def __init__(self, inline: Mapping[str, str], located: Mapping[str, str], styled: bool) -> None:
        self._inline = inline
        self._located = located
        self._styled = styled
        self._styles: dict[str, tuple[str, bool]] = {}  # a mail repeats few styles often
        self.remote_pictures = 0
        self.pictures: dict[str, int] = {}
        self.active = False

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        if tag == "a" and name in _OF_EVERY_LINK:
            return _OF_EVERY_LINK[name]  # the filter sees these too, and the sender may have set others
        if name not in ATTRIBUTES["*"] and name not in ATTRIBUTES.get(tag, ()):
            self._note(name, value)
            return None
        if tag in _MARK_TAGS and name in _MARKS:
            return _MARKS[name] if _MARKS[name] in value.split() else None
        if name == "style":
            return self._style(value)
        if name == "href":
            return self._link(value)
        if name == "src":
            return self._picture(value)
        return value[:1000]

    def _note(self, name: str, value: str) -> None:
        if name.startswith("on"):
            self.active = True
        elif name in _FETCHING and value.strip():
            self.remote_pictures += 1

    def _style(self, value: str) -> str | None:
        if value not in self._styles:
            self._styles[value] = clean_style(value, keep=self._styled)
        style, active = self._styles[value]
        self.active = self.active or active
        return style or None

    def _link(self, value: str) -> str | None:
        value = value.strip()
        if _LINK.fullmatch(value):
            return value
        if _ACTIVE_SCHEME.match(_URL_NOISE.sub("", value)):
            self.active = True
        return None

    def _picture(self, value: str) -> str | None:
        value = value.strip()
        scheme = _URL_NOISE.sub("", value[:200]).lower()
        if scheme.startswith("cid:"):
            name = value[4:].strip().removeprefix("<").removesuffix(">")
            return self._inline.get(unquote(name)) or self._inline.get(name)
        if self._located and (own := self._located.get(_URL_BREAKS.sub("", value))):
            return own
        if _PICTURE_DATA.fullmatch(value):
            return value
        if scheme.startswith(("http:", "https:", "//", "ftp:")):
            self.remote_pictures += 1
            return self._numbered(value)
        if _ACTIVE_SCHEME.match(scheme):
            self.active = True
        return None

    def _numbered(self, value: str) -> str | None:
        address = _URL_BREAKS.sub("", f"https:{value}" if value.startswith("//") else value)
        if not _REMOTE.match(address) or len(address) > _LONGEST_ADDRESS:
            return None
        if address not in self.pictures and len(self.pictures) >= MOST_PICTURES:
            return None
        return f"picture/{self.pictures.setdefault(address, len(self.pictures) + 1)}"


_filtering: ContextVar[_Filter] = ContextVar("filtering")


def _filtered(tag: str, name: str, value: str) -> str | None:
    return _filtering.get()(tag, name, value)


# Made once: to hand all these lists over to the library takes as long as cleaning an ordinary mail does.
_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags=EMPTIED,
    attributes=_ATTRIBUTES_SEEN,
    attribute_filter=_filtered,
    generic_attribute_prefixes={"on"},  # reach the filter only to be seen there
    link_rel=_OF_EVERY_LINK["rel"],  # not by the next line: of two values there, the order would change by chance
    set_tag_attribute_values={"a": {"target": _OF_EVERY_LINK["target"]}},
    url_schemes={"http", "https", "mailto", "tel", "cid", "data", "javascript", "vbscript"},
)
