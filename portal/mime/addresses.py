"""Mail addresses: reading lists of them, one form for comparing, and masks for showing."""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext

from portal.hostnames import ascii_name
from portal.mime.errors import BadAddress
from portal.mime.fields import decode_words, one_line

LONGEST = 320  # characters: 64 before the @, 255 after it (RFC 5321 §4.5.3.1)
_MOST = 10_000  # mailboxes read from one header field

# Invisible characters that turn or hide what a person reads: bidirectional controls, zero widths, tags.
_DECEPTIVE = re.compile(
    "[\u061c\u115f\u1160\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

# All that lower case or NFC makes ASCII of: else another mailbox could be proved in the place of one.
_BECOMES_ASCII = re.compile("[\u037e\u1fef\u212a]")

_PIECE = re.compile(
    r'=\?[^?\s<>]{1,60}\?[bBqQ]\?[^?\s<>]*+\?=|"(?:[^"\\]|\\.)*+"?|<[^<>]*+>?|[,;:()]|[^",;:<>()]++|.', re.DOTALL
)
_SPECIAL = re.compile(r'["(:;\\]|=\?[^?\s]*+\?[qQ]\?[^?\s]*,')
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_ADDRESS = re.compile(
    r'(?:"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*+"|[^\s\x00-\x20\x7f-\x9f"(),:;<>@\[\\\]]++)@[^\s\x00-\x20\x7f-\x9f"(),;<>@\\]++'
)
_DOT_ATOM = re.compile(r"[^\s\x00-\x20\x7f-\x9f\"(),:;<>@\[\\\].]++(?:\.[^\s\x00-\x20\x7f-\x9f\"(),:;<>@\[\\\].]++)*+")
# What nearly all addresses are: it is its own comparing form.
_PLAIN = re.compile(
    r"(?P<local>[a-z0-9!#$%&'*+/=?^_`{|}~-]++(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]++)*+)"
    r"@(?P<domain>[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*)"
)
_LITERAL = re.compile(r"\[(?:\d{1,3}(?:\.\d{1,3}){3}|ipv6:[0-9a-f:.]{2,45})\]")
# Halves of characters: bytes that were no UTF-8, or escapes of JSON; they can be written down nowhere.
_NO_TEXT = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address with the name it was written with ("" if none), both as plain text, neither proved."""

    name: str
    address: str

    def __repr__(self) -> str:
        return "Mailbox(…)"  # tracebacks and logs hold no addresses


def parse_list(header_value: str) -> tuple[Mailbox, ...]:
    """Mailboxes of an address header (RFC 5322 §3.4), groups opened; what is no address is left out. Never raises.

    Give the value as it came, encoded words not decoded: decoding first would let a name forge an address.
    """
    if _SPECIAL.search(header_value) is None:
        pieces = header_value.split(",", _MOST)[:_MOST]
        return tuple([box for piece in pieces if (box := _simple(piece)) is not None])
    return tuple(_Reader(header_value).mailboxes())


def parse_whole_list(header_value: str) -> tuple[Mailbox, ...]:
    """The same for a list that mail is sent to. Raises BadAddress when something with an @ in it is no address: passed
    over, that recipient would never hear of the mail. Without one it may be a name, as in `Berg, Jonas <j@b.example>`.
    """
    if _SPECIAL.search(header_value) is None:
        boxes = parse_list(header_value)
        whole = len(boxes) == sum("@" in piece for piece in header_value.split(","))
    else:
        reader = _Reader(header_value)
        boxes = tuple(reader.mailboxes())
        whole = not reader.left_out and len(boxes) < _MOST
    if not whole:
        raise BadAddress
    return boxes


def _simple(piece: str) -> Mailbox | None:
    """A mailbox without quotes, comments or groups: the form of nearly all mail."""
    name, angle, rest = piece.rpartition("<")
    if not angle:
        return _mailbox("", piece)
    return _mailbox(name, rest.partition(">")[0])


def _mailbox(name: str, address: str) -> Mailbox | None:
    address = address.strip()
    if len(address) > LONGEST or _ADDRESS.fullmatch(address) is None:
        return None
    if not address.isascii() and _DECEPTIVE.search(address):
        return None
    return Mailbox(clean_name(name) if name else "", address)


def clean_name(name: str) -> str:
    """A display name fit to show: words decoded, one line, no control and no direction-changing characters."""
    text = decode_words(name) if "=?" in name else one_line(name)
    if not text.isascii():
        text = _DECEPTIVE.sub("", text)
    return " ".join(text.split()).strip("\"' ")


class _Reader:
    """Walks the tokens of an address list with quotes, comments and groups."""

    def __init__(self, value: str) -> None:
        self._pieces = _PIECE.findall(value)
        self._found: list[Mailbox] = []
        self.left_out = False
        """Whether something with an @ was met that is no address."""
        self._start()

    def _start(self) -> None:
        self._words: list[str] = []
        self._bare: list[str] = []
        self._at = False  # whether there is an "@" in them: joining them to look takes quadratic time
        self._angle = ""
        self._comment: list[str] = []

    def mailboxes(self) -> list[Mailbox]:
        depth = 0
        for piece in self._pieces:
            if piece == "(":
                depth += 1
            elif piece == ")":
                depth = max(0, depth - 1)
            elif depth:
                self._comment.append(piece)
            elif piece in ",;":
                self._end()
            elif piece == ":" and not self._at:
                self._start()  # the name of a group
            else:
                self._take(piece)
            if len(self._found) >= _MOST:
                return self._found
        self._end()
        return self._found

    def _take(self, piece: str) -> None:
        if piece.startswith("<"):
            self._angle = piece[1:].removesuffix(">")
            if self._angle.startswith("@"):  # a source route before the address is obsolete (RFC 5322 §4.4)
                self._angle = self._angle.rpartition(":")[2]
            return
        self._bare.append(piece)
        self._at = self._at or "@" in piece
        if piece.startswith('"'):
            piece = _QUOTED_PAIR.sub(r"\1", piece[1:].removesuffix('"'))
        self._words.append(piece)

    def _end(self) -> None:
        if self._angle:
            box = _mailbox("".join(self._words), self._angle)
        else:
            box = _mailbox("".join(self._comment), "".join(self._bare))
        if box is not None:
            self._found.append(box)
        elif self._at or "@" in self._angle:
            self.left_out = True
        self._start()


def names_address(name: str) -> bool:
    """Whether a display name holds what could be taken for an address, and so for its sender's; other forms of the sign
    are read like it (NFKC)."""
    return "@" in unicodedata.normalize("NFKC", name)


def normalise(address: str) -> str:
    """The one form of an address for comparing and looking up: trimmed, NFC, lower case, domain in ASCII (IDNA).

    Idempotent. Raises BadAddress, also for what mail could not reach (RFC 5321 §4.1.2, §4.5.3.1).
    """
    if (plain := _PLAIN.fullmatch(address)) is not None and plain.end("local") <= 64 and len(plain["domain"]) <= 253:
        return address
    if len(address) > 2 * LONGEST or _BECOMES_ASCII.search(address):
        raise BadAddress
    local, at, domain = _lower(address.strip()).rpartition("@")
    local = _local(local)
    if not at or not 0 < len(local.encode("utf-8", "replace")) <= 64:
        raise BadAddress
    return f"{local}@{_domain(domain)}"


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _local(local: str) -> str:
    if _DECEPTIVE.search(local) or _NO_TEXT.search(local):
        raise BadAddress
    if local.startswith('"') and local.endswith('"') and len(local) > 1:
        unquoted = _QUOTED_PAIR.sub(r"\1", local[1:-1])
        if _DOT_ATOM.fullmatch(unquoted):
            return unquoted  # quotes that change nothing are no part of the address (RFC 5321 §4.1.2)
        if re.search(r"[\x00-\x1f\x7f-\x9f]", unquoted) or not unquoted:
            raise BadAddress
        return '"' + re.sub(r'(["\\])', r"\\\1", unquoted) + '"'
    if _DOT_ATOM.fullmatch(local) is None:
        raise BadAddress
    return local


def _domain(domain: str) -> str:
    if _LITERAL.fullmatch(domain):
        return domain
    try:
        return ascii_name(domain)
    except ValueError:
        raise BadAddress from None


def domain_of(address: str) -> str:
    """The domain of an address in its comparing form. Raises BadAddress."""
    return normalise(address).rpartition("@")[2]


def _shown(local: str) -> str:
    return local[: min(2, max(0, len(local) - 1))]


def mask(address: str) -> str:
    """An address as a stranger may see it: at most two letters, five dots, the domain ("jo•••••@mail.example")."""
    local, _, domain = one_line(address).rpartition("@")
    return f"{_shown(local)}•••••@{domain}"


def spoken_mask(address: str) -> str:
    """What a screen reader says for `mask`: "the address that starts with j o, at mail.example"."""
    local, _, domain = one_line(address).rpartition("@")
    letters = " ".join(_shown(local))
    said = (
        gettext("the address that starts with {letters}, at {domain}")
        if letters
        else gettext("the address at {domain}")
    )
    return said.format(letters=letters, domain=domain)
