"""The table of contents with what came later, and beside programs that know less or more."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from portal.mime.addresses import Mailbox
from portal.mime.calendars import Event, Rule
from portal.vault.errors import SealBroken
from portal.vault.toc import Body, Card, File, Inner, Toc

SENT = datetime(2026, 11, 17, 14, 48, tzinfo=UTC)
MAYA = Mailbox("Maya", "maya@aldervalley.example")
FILE = File(1, "a.ics", "text/calendar", 3, "part/1", b"d")
EVENT = Event(
    "request", "Talk", "2026-11-24T14:00:00", "", "Europe/Stockholm", 60, None, "Room 4", "Maya", MAYA.address, 2,
    "notes", Rule("WEEKLY", 1, 3, "", ("TU",)), False, True, False, "", 0,
)  # fmt: skip
INNER_FILE = File(2, "b.txt", "text/plain", 1, "part/2", b"e")
INNER = Inner(1, 1, "Inner", Mailbox("Somebody", ""), (MAYA,), (), None, Body("text", "", 4),
              Body("", "inner/1/html", 9), (INNER_FILE,), 1, True, ("smime-signed",))  # fmt: skip
PLAIN = Toc("Subject", MAYA, (MAYA,), (), SENT, "", "", (), Body("hello", "", 5), Body(), (FILE,), 10)
WHOLE = Toc(
    "Subject", MAYA, (MAYA,), (), SENT, "", "", (), Body("hello", "", 5), Body(), (FILE,), 10,
    protections=("openpgp-signed",), cards=(Card(1, EVENT),), inner=(INNER,),
)  # fmt: skip


def document(toc: Toc) -> dict[str, Any]:
    plaintext = toc.encode()
    found: dict[str, Any] = cbor2.loads(plaintext[4:])
    return found


def written(document: dict[str, Any]) -> bytes:
    data = cbor2.dumps(document)
    return struct.pack(">I", len(data)) + data


@pytest.mark.parametrize("toc", [PLAIN, WHOLE])
def test_it_is_read_as_it_was_written(toc: Toc) -> None:
    assert Toc.decode(toc.encode() + bytes(50)) == toc


def test_files_and_bodies_of_messages_inside_are_among_all() -> None:
    assert [file.number for file in WHOLE.every_file()] == [1, 2]
    assert [body.stream for body in WHOLE.bodies() if body.stream] == ["inner/1/html"]


def test_a_table_without_what_came_later_holds_no_word_of_it() -> None:
    assert not {"protections", "cards", "inner"} & set(document(PLAIN))


def test_what_a_later_version_adds_anywhere_is_passed_over() -> None:
    found = document(WHOLE) | {"later": 1}
    for held in (found["cards"][0]["event"], found["inner"][0], found["inner"][0]["files"][0], found["files"][0]):
        held["later"] = 1
    assert Toc.decode(written(found)) == WHOLE


BROKEN: list[dict[str, Any]] = [{"cards": [1]}, {"inner": [{}]}, {"inner": 5}, {"cards": [{"file": 1}]}, {"files": [3]}]


@pytest.mark.parametrize("change", BROKEN)
def test_what_is_no_table_is_broken(change: dict[str, Any]) -> None:
    with pytest.raises(SealBroken):
        Toc.decode(written(document(WHOLE) | change))
