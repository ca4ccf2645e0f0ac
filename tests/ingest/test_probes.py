"""Only the notice of a test message of our own ends at a reserved address; nobody makes mail vanish there."""

from __future__ import annotations

import pytest

from portal.ingest import probes
from portal.mime.reading import Letter, read

NOTICE = b"From: a@b.example\r\nX-Letterlock: notice\r\n\r\nx\r\n"


def letter(raw: bytes = NOTICE) -> Letter:
    return read(raw)


def test_the_notice_is_known_by_its_address() -> None:
    number, address = probes.new_address()
    assert probes.returned(letter(), [address]) == number
    assert probes.returned(letter(), [address.upper()]) == number


@pytest.mark.parametrize(
    "change",
    [
        lambda address: address.replace("doctor-", "doctor-0", 1),
        lambda address: address[:-20] + ("0" if address[-20] != "0" else "1") + address[-19:],
        lambda address: address.partition("@")[0] + "@elsewhere.example",
        lambda address: "doctor-" + "0" * 32 + "-" + "0" * 16 + "@" + address.partition("@")[2],
        lambda address: "x" + address,
    ],
    ids=["longer", "another proof", "another host", "made up", "another name"],
)
def test_any_other_address_is_ordinary_mail(change: object) -> None:
    _, address = probes.new_address()
    local, _, host = address.partition("@")
    changed = change(address)  # type: ignore[operator]
    assert changed != f"{local}@{host}"
    assert probes.returned(letter(), [changed]) is None


def test_only_a_notice_to_it_alone_ends_there() -> None:
    _, address = probes.new_address()
    assert probes.returned(letter(b"From: a@b.example\r\n\r\nx\r\n"), [address]) is None
    assert probes.returned(letter(b"X-Letterlock: passcode\r\n\r\nx\r\n"), [address]) is None
    assert probes.returned(letter(), [address, "pat@elsewhere.example"]) is None
    assert probes.returned(letter(), []) is None
