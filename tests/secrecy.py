"""What this process wrote into logs, errors and task arguments, searched for every key, share and code that it made.

`listen` is called before any room is imported. What makes or uses a secret is listened to where all of them pass:
ciphers, derivations, pairs, trees, links, codes. Whole portals are searched when they end, with the secrets that lie
in their data folders. The search is for twelve characters of a secret in the forms in which programs write bytes.
"""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import functools
import hashlib
import itertools
import logging
import os
import re
import sqlite3
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

WINDOW = 12
"""Characters of a secret that must stand in a text: 48 bits of hex or 60 of base32, so none is there by chance."""
_FEWEST_VALUES = 8
"""A "secret" of fewer different bytes is a constant of some test, and its form is found in every second line."""
_RUN = re.compile(r"[0-9A-Za-z+/=_-]{12,}")
_ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2}|\\[nrt\\'\"]|[ -~]){6,}")
_LINK = re.compile(r"/(?:m|enter)/([0-9A-Za-z_-]{20,})")
_CODE = re.compile(r"#([0-9a-z]{26})\b|\b((?:[0-9a-z]{4}-){6}[0-9a-z]{2})\b")
_PASSCODE = re.compile(r"^\s*(\d{8})\s*$", re.MULTILINE)
_MOST_MAILS = 300
_EIGHT = re.compile(r"(?<![\w:+-])(?<!\d\.)(\d{8}|\d{4} \d{4})(?![\w:+-]|\.\d)")


class Finding(NamedTuple):
    """A secret in a text; neither is kept."""

    kind: str
    where: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.where}"


class Ear:
    """Secrets by their kind, and texts by where they were heard. Neither is shown."""

    def __init__(self) -> None:
        self._bytes: dict[bytes, str] = {}
        self._words: dict[str, str] = {}
        self._passcodes: set[str] = set()
        self._texts: dict[str, str] = {}

    def secret(self, kind: str, value: bytes | bytearray | str) -> None:
        """Note key material, or what people type or carry in a link or cookie."""
        if isinstance(value, str):
            if len(value) >= WINDOW:
                self._words[value] = kind
        elif len(value) >= 16 and len(set(value[:32])) >= _FEWEST_VALUES:
            self._bytes.setdefault(bytes(value), kind)

    def passcode(self, digits: str) -> None:
        self._passcodes.add(digits)

    def text(self, where: str, text: str) -> None:
        """Note what was written somewhere; the same text counts where it was first."""
        self._texts.setdefault(text, where)

    @property
    def counts(self) -> dict[str, int]:
        """How many secrets of each kind are known, and how many texts: a walk that heard nothing proves nothing."""
        found: dict[str, int] = defaultdict(int)
        for kind in [*self._bytes.values(), *self._words.values()]:
            found[kind] += 1
        return {**found, "passcode": len(self._passcodes), "texts": len(self._texts)}

    def findings(self) -> list[Finding]:
        """Every secret that stands in a text, once for each kind and place."""
        plain, escaped = self._forms()
        found: set[Finding] = set()
        for text, where in self._texts.items():
            for run in _RUN.findall(text):
                for start in range(len(run) - WINDOW + 1):
                    if kind := plain.get(run[start : start + WINDOW]):
                        found.add(Finding(kind, where))
            if "\\x" in text:
                for run in _ESCAPED.findall(text):
                    for start in range(len(run) - 2 * WINDOW + 1):
                        if kind := escaped.get(run[start : start + 2 * WINDOW]):
                            found.add(Finding(kind, where))
            if not self._passcodes.isdisjoint(digits.replace(" ", "") for digits in _EIGHT.findall(text)):
                found.add(Finding("passcode", where))
        return sorted(found)

    def _forms(self) -> tuple[dict[str, str], dict[str, str]]:
        """How each secret begins: as hex, base64, base64 for addresses or itself; and in the repr of bytes."""
        plain: dict[str, str] = {}
        escaped: dict[str, str] = {}
        for value, kind in self._bytes.items():
            digits, letters = value[:6].hex(), base64.b64encode(value[:9]).decode()
            for form in (digits, digits.upper(), letters, letters.translate(str.maketrans("+/", "-_"))):
                plain[form] = kind
            escaped[repr(value)[2 : 2 + 2 * WINDOW]] = kind
        for word, kind in self._words.items():
            plain[word[:WINDOW]] = kind
        return plain, escaped


EAR = Ear()
HEARD: set[str] = set()
"""What is listened to in our own rooms. A module that has imported one of these by its name is not heard."""


def here() -> str:
    """The test that runs now."""
    return os.environ.get("PYTEST_CURRENT_TEST", "no test").rpartition(" (")[0] or "no test"


def listen() -> None:
    """Hear every secret, log record, error of ours and task argument of this process from now on."""
    _hear_primitives()
    _hear_logs()


def _hear_primitives() -> None:
    """All keys are used with one of these two, and the rooms import them by name: before any room is imported."""
    from cryptography.hazmat.primitives.ciphers import aead
    from cryptography.hazmat.primitives.kdf import hkdf

    cipher, derivation = aead.AESGCM, hkdf.HKDF

    class HeardHKDF:
        def __init__(self, *arguments: Any, **named: Any) -> None:
            self._real = derivation(*arguments, **named)

        def derive(self, material: bytes) -> bytes:
            EAR.secret("key that others are derived from", material)
            return self._real.derive(material)

        def derive_into(self, material: bytes, buffer: bytearray) -> int:
            EAR.secret("key that others are derived from", material)
            return self._real.derive_into(material, buffer)

    @functools.wraps(cipher, updated=())
    def heard(key: bytes) -> object:
        EAR.secret("key of a cipher", key)
        return cipher(key)

    setattr(aead, "AESGCM", heard)  # noqa: B010  # mypy knows a class there
    setattr(hkdf, "HKDF", HeardHKDF)  # noqa: B010


def _hear_logs() -> None:
    factory = logging.getLogRecordFactory()

    def heard(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = factory(*arguments, **named)
        with contextlib.suppress(Exception):
            EAR.text(f"the log of {here()}", "\n".join(_lines(record)))
        return record

    logging.setLogRecordFactory(heard)
    # Below what is written in production: a line that only debugging shows must not show a key either.
    for name in ("letterlock", "portal", "branding"):
        logging.getLogger(name).setLevel(logging.DEBUG)


def _lines(record: logging.LogRecord) -> Iterator[str]:
    """What is written of a record; of our own the bare message, its arguments and the whole traceback as well."""
    from portal.operations.logs import OURS, PlainFormatter

    yield PlainFormatter().format(record).partition(" ")[2]
    if record.name.partition(".")[0] in OURS:
        yield record.getMessage()
        yield repr(record.args)
        if record.exc_info and record.exc_info[1]:
            yield from traceback.format_exception(record.exc_info[1])


def listen_to_rooms() -> None:
    """What only our own rooms know: their links, codes, tokens, trees, pairs and errors. After Django is set up."""
    from portal.access import authenticators, codes, cookies, passwords
    from portal.access.errors import AccessError
    from portal.api import tokens
    from portal.ingest import customer
    from portal.keys import split
    from portal.keys.errors import KeysError
    from portal.keys.installation import Secrets
    from portal.keys.pairs import Pair
    from portal.keys.tree import Tree
    from portal.vault import agreed, readers
    from portal.vault.errors import VaultError

    _after(readers, "new_link", lambda _, link: EAR.secret("link", link))
    _after(codes, "derive", lambda _, code: EAR.passcode(code))
    _after(cookies, "new_token", lambda _, token: EAR.secret("token of a cookie", token))
    _after(passwords, "set_first", lambda given, _: EAR.secret("password", given[1]))
    _after(tokens, "_fresh", lambda _, token: EAR.secret("token of the API", token))
    _after(agreed, "_hashed", lambda given, made: _phrase(given[0], made))
    _after(authenticators, "secret_of", lambda _, secret: _app(secret))
    _after(authenticators, "_fresh_codes", lambda _, made: _recovery_codes(made))
    _after(customer, "new_value", lambda _, value: EAR.secret("value of a customer header", value))
    _after(split, "_joined", lambda given, _: _share(given[1]))
    _after(split, "code_of", lambda given, _: _share(given[0]))
    _after(Secrets, "__init__", lambda given, _: _secrets(given[1]))
    _after(Tree, "leaf", lambda _, leaf: EAR.secret("leaf", leaf))
    _after(Tree, "encode", lambda _, stored: EAR.secret("node of a tree", stored[10:42]))
    _after(Pair, "__init__", lambda given, _: _halves(given[0].encode()))
    for family in (KeysError, VaultError, AccessError):
        _after(family, "__init__", lambda given, _: EAR.text(f"an error in {here()}", f"{given[0]} {given[0]!r}"))
    _hear_tasks()


def _secrets(versions: Mapping[str, tuple[bytes, ...]]) -> None:
    for one in itertools.chain.from_iterable(versions.values()):
        EAR.secret("secret", one)


def _app(secret: bytes) -> None:
    EAR.secret("secret of an app", secret)
    EAR.secret("secret of an app", base64.b32encode(secret).decode())


def _recovery_codes(made: list[str]) -> None:
    for code in made:
        EAR.secret("recovery code", code)


def _phrase(phrase: str, made: bytes) -> None:
    EAR.secret("agreed phrase", phrase)
    EAR.secret("hash of a phrase", made)


def _share(share: bytes) -> None:
    from portal.keys import split

    EAR.secret("share", share)
    number = int.from_bytes(share, "big")
    code = "".join(split._DIGITS[number >> 5 * place & 31] for place in reversed(range(split.CODE_CHARACTERS)))
    EAR.secret("code of a share", code)
    EAR.secret("code of a share", split.grouped(code))


def _halves(private: bytes) -> None:
    EAR.secret("private key", private)
    EAR.secret("private key", private[64:])


def _hear_tasks() -> None:
    from celery.signals import before_task_publish, task_prerun

    def published(body: object = None, headers: object = None, **_: object) -> None:
        EAR.text(f"the arguments of a task in {here()}", f"{body!r} {headers!r}")

    def began(args: object = None, kwargs: object = None, **_: object) -> None:
        EAR.text(f"the arguments of a task in {here()}", f"{args!r} {kwargs!r}")

    before_task_publish.connect(published, weak=False)
    task_prerun.connect(began, weak=False)


def _after(owner: Any, name: str, heard: Callable[[tuple[Any, ...], Any], object]) -> None:
    """Let a function tell what it was given and what it gave."""
    real = getattr(owner, name)

    @functools.wraps(real)
    def told(*arguments: Any, **named: Any) -> Any:
        answer = real(*arguments, **named)
        with contextlib.suppress(Exception):
            heard(arguments, answer)
        return answer

    setattr(owner, name, told)
    HEARD.add(f"{owner.__name__}.{name}")


def hear_portal(data: Path, terminal: Path) -> None:
    """What the processes of a portal wrote, and the secrets that lie in its folders as far as they can be opened."""
    for path in (*data.glob("logs/*"), terminal, *data.glob("broker/**/*")):
        with contextlib.suppress(OSError):
            for line in path.read_text(errors="replace").splitlines():
                # Without its moment, so that what is said each minute is looked at once.
                EAR.text(f"{path.name} of the portal of {here()}", line.partition(" ")[2] or line)
    with contextlib.suppress(OSError, ValueError, ImportError):
        EAR.secret("root key", (data / "root.key").read_bytes())
        _hear_keyring(data)
        _hear_outbox(data / "outbox")


def _hear_keyring(data: Path) -> None:
    """Opening is enough: what opens a secret is listened to."""
    from portal.keys.door import DoorPrivate
    from portal.keys.errors import KeysError
    from portal.keys.installation import Secrets
    from portal.keys.keyring import FolderKeyring
    from portal.keys.objects import ANCHOR
    from portal.keys.provider import LocalFile
    from portal.keys.tree import Tree

    trees: dict[str, Tree] = {}
    keyring = FolderKeyring(data / "keyring", LocalFile(data / "root.key"))
    with contextlib.suppress(KeysError):
        for name in keyring.names():
            content = keyring.read(name)[1]
            if name.startswith("epoch-"):
                trees[name.removeprefix("epoch-")] = Tree.decode(content)
                trees[name.removeprefix("epoch-")].encode()
            elif name.startswith("door-"):
                DoorPrivate.decode(content)
            elif name == ANCHOR:
                Secrets.decode(content)
    database = data / "letterlock.sqlite3"
    if trees and database.exists():
        _hear_wraps(database, trees)


_WRAPS = """
    SELECT epoch.epoch, epoch.number, reader.number, wrap.wrapped, message.id, reader.id, message.rights
    FROM vault_wrap wrap JOIN vault_reader reader ON reader.id = wrap.reader_id
    JOIN vault_epoch epoch ON epoch.id = wrap.epoch_id JOIN vault_message message ON message.id = reader.message_id
    LIMIT 500
"""


def _hear_wraps(database: Path, trees: dict[str, Any]) -> None:
    from portal.keys.errors import KeysError
    from portal.keys.wraps import unwrap

    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=120)) as connection:
        for epoch, number, reader, wrapped, message_id, reader_id, rights in connection.execute(_WRAPS):
            with contextlib.suppress(KeysError, KeyError):
                leaf = trees[epoch].leaf(number, reader)
                digest = hashlib.sha256(rights).digest()
                EAR.secret("message key", unwrap(leaf, wrapped, epoch, UUID(message_id), UUID(reader_id), digest))


def _hear_outbox(outbox: Path) -> None:
    """The links, codes and passcodes that left in mails."""
    for path in itertools.islice(outbox.glob("[nc][eu][wr]/*"), _MOST_MAILS):
        read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for part in read.walk():
            if part.get_content_type() == "text/plain":
                hear_mail(str(part.get_content()))


def hear_mail(text: str) -> None:
    """Note the links, codes and passcodes in a mail's text."""
    for link in _LINK.findall(text):
        EAR.secret("link", link)
    for code in itertools.chain.from_iterable(_CODE.findall(text)):
        EAR.secret("code of a share", code)
    for digits in _PASSCODE.findall(text):
        EAR.passcode(digits)
