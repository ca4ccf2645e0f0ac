"""Writes header fields, folded and encoded, in which no value can start a field of its own (RFC 5322, RFC 2047)."""

import binascii
import re

from portal.mime.addresses import Mailbox, clean_name, normalise
from portal.mime.errors import BadAddress, BadHeader
from portal.mime.fields import one_line

_LINE = 76  # characters of a header or encoded line before it is folded
LONGEST_LINE = 998  # octets without CRLF (RFC 5322 §2.1.1)
_WORD_BYTES = 42  # UTF-8 bytes in one encoded word: 75 characters at most (RFC 2047 §2)
_NAME = re.compile(r"[!-9;-~]{1,70}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
MESSAGE_ID = re.compile(r"[!-;=?-~]{1,990}")


def unstructured(name: str, text: str) -> bytes:
    """One field of unstructured text (RFC 5322 section 2.2.1), folded and encoded. Raises BadHeader for a bad name."""
    if _NAME.fullmatch(name) is None:
        raise BadHeader
    return field(name, *words(text)).encode("ascii")


def field(name: str, *words: str) -> str:
    """One header field, folded between words. Every word comes from a function here that lets no line end through."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1].strip() and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += " " + word
    return "\r\n".join(lines) + "\r\n"


def words(text: str) -> list[str]:
    """Unstructured text as words to fold between: as they are in ASCII, else encoded words (RFC 2047)."""
    found = one_line(text).split()  # a run of spaces could become a line of nothing but space
    text = " ".join(found)
    if not found:
        return [""]
    if text.isascii() and "=?" not in text and all(len(word) <= LONGEST_LINE - _LINE for word in found):
        return found
    return _encoded(text)


def _encoded(text: str) -> list[str]:
    found: list[str] = []
    piece = b""
    for character in text:
        data = character.encode("utf-8", "replace")
        if len(piece) + len(data) > _WORD_BYTES:
            found.append(_encoded_word(piece))
            piece = b""
        piece += data
    return [*found, _encoded_word(piece)]


def _encoded_word(data: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(data, newline=False).decode('ascii')}?="


def mailbox(one: Mailbox) -> str:
    """A name and an address as From and To have them (RFC 5322 section 3.4). Raises BadAddress."""
    address = _address(one.address)
    name = clean_name(one.name)[:300]
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        if _ATOMS.fullmatch(name) is None:
            name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return f"{name} <{address}>"
    return f"{' '.join(_encoded(name))} <{address}>".replace("?= =?", "?=\r\n =?")


def mailboxes(several: tuple[Mailbox, ...]) -> list[str]:
    """The same of several, each a word to fold behind. Raises BadAddress."""
    written = [mailbox(one) for one in several]
    return [f"{one}," for one in written[:-1]] + written[-1:]


def _address(address: str) -> str:
    """The address as it may stand in a header: the local part as written, the domain in ASCII. Raises BadAddress."""
    normal = normalise(address)
    local = address.strip().rpartition("@")[0]
    if local.startswith('"') or one_line(local) != local:
        local = normal.rpartition("@")[0]
    if not local:
        raise BadAddress
    return f"{local}@{normal.rpartition('@')[2]}"


def message_id(value: str) -> str:
    """A Message-ID with its angle brackets, whether or not they were given. Raises BadHeader."""
    value = value.strip().removeprefix("<").removesuffix(">")
    if MESSAGE_ID.fullmatch(value) is None:
        raise BadHeader
    return f"<{value}>"
