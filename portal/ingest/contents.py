"""What a mail holds, for the rules: its words, its files, and theirs. Read in memory, when a rule asks, within bounds.

Of one mail 8 MiB of characters are read and three seconds are taken; what is over that is said (`truncated`), so that a
rule can fail closed. docs/sensitive-information.md has the formats.
"""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable
from functools import partial

from portal.mime import charsets, embedding, inside, magic, mapi, msg, officetext, packages, plain, rtftext, unseen
from portal.mime.errors import NotReadable
from portal.mime.gathering import Read
from portal.mime.inside import Inside
from portal.mime.packages import Package, TooMuch
from portal.mime.reading import Letter, Part, read
from portal.mime.unpacking import attempt
from portal.mime.unseen import Unseen
from portal.rules.contents import Attachment, Contents
from portal.rules.reading import Reading, readers

MOST_CHARACTERS = 8 * 1024 * 1024
"""Of text in a mail and all its files together."""
SECONDS = 3.0
"""By the clock, from when the first file is read."""
MOST_OF_A_ZIP = 200
"""Files of a ZIP that are listed and read."""
MOST_OF_ALL_ZIPS = 2000
"""Those of one mail together."""
_MESSAGES = frozenset({"message/rfc822", "message/global"})
_TEXTS_WORDS = (
    "application/json application/xml application/javascript application/x-yaml application/yaml application/sql "
    "application/x-sh application/ics application/x-ndjson application/csv"
)
_TEXTS = frozenset(_TEXTS_WORDS.split())
_TEXT_NAMES_WORDS = (
    "txt text log md csv tsv json xml html htm xhtml yaml yml ini conf cfg sql ics vcf ldif eml svg tex rst js "
    "css sh ps1 py bat"
)
_TEXT_NAMES = frozenset(_TEXT_NAMES_WORDS.split())
_NO_TEXT = ("image/", "audio/", "video/", "font/")
_MAIL_NAMES = frozenset({"eml", "mht", "mhtml"})
_DEEPEST = 2
"""Messages in ZIP files in messages in ZIP files."""
_WITHOUT = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_SIGNATURE, _LONGEST_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----", 8192
_LONGEST_DER = 64 * 1024
_RUN_8, _RUN_16 = re.compile(rb"[\t\r\n\x20-\x7e\xa0-\xff]{4,}"), re.compile(rb"(?:[\t\r\n\x20-\x7e\xa0-\xff]\x00){4,}")


_HEADER = re.compile(rb"(?:[!-9;-~]{1,76}:[^\n]{0,1000}\n(?:[ \t][^\n]{0,1000}\n){0,100}){1,200}\r?\n")
_MOST_CHARSETS = 4
_CHARSET = re.compile(rb"""charset\s{0,9}=\s{0,9}["']?([A-Za-z0-9_.:+-]{1,40})""", re.IGNORECASE)


def of(letter: Letter, raw: bytes = b"") -> Contents:
    """What a mail holds; `raw` are its bytes, for what its parts say of themselves. Nothing is read yet, and reading
    never raises."""
    return _Look(letter, raw).contents()


class _Look:
    """One mail's look into itself, with what may still be read and until when."""

    def __init__(self, letter: Letter, raw: bytes) -> None:
        self._letter, self._raw = letter, raw
        self._room = MOST_CHARACTERS
        self._until = 0.0
        self._depth = 0
        self._inside: Inside | None = None
        self._unseen: Unseen | None = None
        self._are_listed = True
        self._zipped = MOST_OF_ALL_ZIPS
        self._short: set[int] = set()
        """The ZIPs of which not all files are listed, by the identity of their bytes."""

    def contents(self) -> Contents:
        return Contents(
            self._body,
            self._attachments,
            lambda: self._are_listed,
            truncated=not self._letter.readable,
            charsets=self._charsets,
            is_sure=lambda: self._beside().is_sure,
        )

    def _beside(self) -> Unseen:
        if self._unseen is None:
            self._unseen = unseen.look(self._raw)
        return self._unseen

    def _charsets(self) -> frozenset[str]:
        return frozenset(found.decode("ascii").lower() for found in _CHARSET.findall(self._raw))

    def _within(self) -> Inside:
        if self._inside is None:
            self._inside = inside.look(self._letter)
        return self._inside

    def _body(self) -> str:
        letters = [self._letter, *(inner.letter for inner in self._within().messages)]
        pieces = [_words_of(self._letter), *(f"{inner.subject}\n{_words_of(inner)}" for inner in letters[1:])]
        pieces += self._beside().texts
        whole = "\n\n".join(pieces)
        self._room -= len(whole)
        return whole

    def _attachments(self) -> tuple[Attachment, ...]:
        opened = {inner.of for inner in self._within().messages}
        parts = [*self._letter.parts, *(part for inner in self._within().messages for part in inner.letter.parts)]
        found: list[Attachment] = []
        for part in parts:
            found.append(self._attachment(part, part.number in opened))
            if part.data.startswith(magic.ZIP):
                found += self._files_of(part.data)
        letters = [self._letter, *(inner.letter for inner in self._within().messages)]
        for name, data in (pair for letter in letters for pair in unseen.uuencoded(letter.text or "")):
            found.append(self._written_in(name, data))
        return tuple(found)

    def _written_in(self, name: str, data: bytes | None) -> Attachment:
        """A file by uuencode. A ZIP among them is not opened."""
        if data is None or data.startswith(magic.ZIP):
            self._are_listed = False
            return Attachment(name, "application/zip", len(data or b""), read=lambda: Reading(unreadable=True))
        kind = magic.kind(data[: magic.LOOKED_AT], "application/octet-stream")
        read = partial(self._reading, name, kind, data)
        return Attachment(name, kind, len(data), magic.is_program(data[: 64 * 1024], name), read)

    def _attachment(self, part: Part, is_opened: bool) -> Attachment:
        kind = magic.kind(part.data[: magic.LOOKED_AT], part.content_type)
        # Its words are those of the body (portal.mime.inside); one that could not be opened is a text at least.
        read: Callable[[], Reading] = Reading if is_opened else partial(self._reading, part.name, kind, part.data)
        return Attachment(part.name, kind, len(part.data), magic.is_program(part.data[: 64 * 1024], part.name), read)

    def _files_of(self, data: bytes) -> list[Attachment]:
        found = attempt(lambda: self._listed(data), "ZIP")
        if found is None:
            self._are_listed = False
        return found or []

    def _listed(self, data: bytes) -> list[Attachment]:
        package = packages.kept(data)
        if officetext.is_office(package.names()):
            return []
        entries, most = package.entries(), min(MOST_OF_A_ZIP, self._zipped)
        if len(entries) > most:
            self._are_listed = False
            self._short.add(id(data))
        self._zipped -= min(len(entries), most)
        return [self._entry(package, entry) for entry in entries[:most]]

    def _entry(self, package: Package, entry: zipfile.ZipInfo) -> Attachment:
        name = entry.filename.rpartition("/")[2]
        if entry.flag_bits & 1:
            locked = Reading(unreadable=True, password_protected=True)
            return Attachment(
                name, "application/octet-stream", entry.file_size, magic.is_program(b"", name), lambda: locked
            )
        head = attempt(lambda: package.head(entry, magic.LOOKED_AT), "file of a ZIP") or b""
        kind = magic.kind(head, "application/octet-stream")
        read = partial(self._of_entry, package, entry, name, kind)
        return Attachment(name, kind, entry.file_size, magic.is_program(head, name), read)

    def _of_entry(self, package: Package, entry: zipfile.ZipInfo, name: str, kind: str) -> Reading:
        def unpacked() -> Reading:
            held = package.anew().read(entry)
            if held.startswith(magic.ZIP) and not _is_office(held):
                return Reading(unreadable=True)  # a ZIP in a ZIP
            return self._message(name, held) or self._read(name, kind, held)

        return self._bounded(unpacked)

    def _message(self, name: str, data: bytes) -> Reading | None:
        """A message in a ZIP file, with all that lies in it; None for what is none, or lies too deep."""
        raw = attempt(lambda: _as_mail(name, data), "message")
        letter = attempt(lambda: read(raw), "message") if raw else None
        if raw is None or letter is None or self._depth == _DEEPEST:
            return None
        inner = _Look(letter, raw)
        inner._depth, inner._room, inner._until = self._depth + 1, self._room, self._until
        inner._zipped = self._zipped
        held = inner.contents()
        text = "\n\n".join([letter.subject, held.body, *(one.text for one in held.attachments if one.text)])
        self._zipped = inner._zipped
        is_open = not any("encrypted" in one or "inline" in one for one in letter.protections)
        is_whole = is_open and held.are_listed and held.is_sure
        return Reading(
            text[: self._room],
            not is_whole or any(one.unreadable for one in held.attachments),
            held.truncated or len(text) > self._room,
            password_protected=any(one.password_protected for one in held.attachments),
            executable=any(one.executable for one in held.attachments),
        )

    def _reading(self, name: str, kind: str, data: bytes) -> Reading:
        return self._bounded(lambda: self._read(name, kind, data))

    def _bounded(self, work: Callable[[], Reading]) -> Reading:
        self._until = self._until or time.monotonic() + SECONDS
        if self._room <= 0 or time.monotonic() > self._until:
            return Reading(truncated=True)

        def bounded() -> Reading:
            try:
                return work()
            except TooMuch:
                return Reading(truncated=True)

        reading = attempt(bounded, "document") or Reading(unreadable=True)
        self._room -= len(reading.text)
        return reading

    def _read(self, name: str, kind: str, data: bytes) -> Reading:
        ending = name.rpartition(".")[2].lower() if "." in name else ""
        # A mail may call a list a picture or a signature: what reads as text is read, and what is none is not believed.
        if not data or (kind in _WITHOUT and _is_signature(data)) or (magic.is_media(data) and magic.is_binary(data)):
            return Reading()
        if data.startswith(_SIGNATURE) and len(data) < _LONGEST_SIGNATURE:
            return Reading()
        if data.startswith(magic.ZIP):
            return self._package(data)
        if data.startswith(magic.OLE):
            return self._compound(data)
        if kind in readers:
            return readers[kind](data, self._room, max(0.1, self._until - time.monotonic()))
        if rtftext.is_rtf(data[: magic.LOOKED_AT]):
            return _told(rtftext.read(data, self._room, self._until))
        if kind in _MESSAGES or ending in _MAIL_NAMES:
            # A message that was not opened: too deep, too many, or without the fields of one. Its parts are in codings.
            return self._cut(charsets.decode(data[: 4 * self._room]), unreadable=True)
        if kind.startswith("text/") or kind in _TEXTS or (ending in _TEXT_NAMES and not magic.is_binary(data)):
            text = self._in_its_charset(data[: 4 * self._room])
            if kind == "text/html" or ending in ("html", "htm", "xhtml"):
                text = plain.from_html(text, for_rules=True)
            return self._cut(text)
        if not magic.is_binary(data):
            return self._cut(charsets.decode(data[: 4 * self._room]))
        return Reading(unreadable=True, executable=magic.is_program(data[: 64 * 1024], name))

    def _in_its_charset(self, data: bytes) -> str:
        """Text by its bytes, and as each character set reads it that the mail names and that is written otherwise."""
        named = [name for name in self._charsets() if charsets.is_written_otherwise(name)][:_MOST_CHARSETS]
        return "\n".join([charsets.decode(data), *(charsets.decode(data, name) for name in named)])

    def _package(self, data: bytes) -> Reading:
        with packages.opened(data) as package:
            names, locked = package.names(), package.is_locked()
            if locked or not officetext.is_office(names):
                # The files of a ZIP stand beside it; more of them than are listed are not read.
                return Reading(unreadable=locked, truncated=id(data) in self._short, password_protected=locked)
            return _told(embedding.of_package(package, self._room, self._until))

    def _compound(self, data: bytes) -> Reading:
        """A file of Office before 2007. Of one that cannot be read, runs of letters, and never the word that this is
        all."""
        try:
            return _told(embedding.of_compound(data, self._room, self._until))
        except NotReadable:
            return self._runs(data)

    def _runs(self, data: bytes) -> Reading:
        if "EncryptedPackage".encode("utf-16-le") in data:  # [MS-OFFCRYPTO] section 2.3.4.10
            return Reading(unreadable=True, password_protected=True)
        cut = data[: 2 * self._room]
        runs = [found.decode("utf-16-le") for found in _RUN_16.findall(cut)]
        runs += [found.decode("cp1252", "replace") for found in _RUN_8.findall(cut)]
        return self._cut("\n".join(runs), unreadable=True)

    def _cut(self, text: str, *, unreadable: bool = False) -> Reading:
        return Reading(text[: self._room], unreadable, len(text) > self._room)


def _as_mail(name: str, data: bytes) -> bytes | None:
    """The mail in a file; None for a file that is none. Raises what a damaged one of Outlook makes of its reader."""
    if data.startswith(magic.OLE):
        return mapi.as_mail(msg.read(data))
    return data if name.rpartition(".")[2].lower() in _MAIL_NAMES and _HEADER.match(data) else None


def _told(found: Read) -> Reading:
    return Reading(found.text, found.locked or found.partly, found.truncated, found.properties, found.locked)


def _words_of(letter: Letter) -> str:
    """What a reader sees of either form: the two need not say the same."""
    shown = plain.from_html(letter.html, for_rules=True) if letter.html else ""
    said = letter.text or ""
    return said if shown.strip() == said.strip() else "\n\n".join(filter(None, (said, shown)))


def _is_office(data: bytes) -> bool:
    with packages.opened(data) as package:
        return officetext.is_office(package.names())


def _is_signature(data: bytes) -> bool:
    """Of S/MIME in DER (RFC 5652 section 3), of OpenPGP (RFC 9580 section 4.2), and no longer than one is."""
    return len(data) < _LONGEST_DER and data[:1] in (b"\x30", b"\x88", b"\x89", b"\xc2") and magic.is_binary(data)
