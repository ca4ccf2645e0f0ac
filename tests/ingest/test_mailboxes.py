"""Mail to the portal's own name: bounces and the doctor's probes come in, the rest is refused and goes no round."""

from __future__ import annotations

import pytest

from portal.ingest.models import Spooled
from portal.ingest.spool import open_spooled
from tests.ingest.doors import FROM, Line, RunningDoor
from tests.ingest.test_smtp import configure

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "secure.aldervalley.example"


def answer(door: RunningDoor, address: str) -> str:
    with Line(door.port) as line:
        line.ask(f"MAIL FROM:<{FROM}>".encode())
        return line.ask(f"RCPT TO:<{address}>".encode())


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(
        monkeypatch,
        public_url=f"https://{HOST}",
        bounce_domain="bounces.aldervalley.example",
        inside_domains=("aldervalley.example", "another.example"),
    )


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    "address",
    [
        f"messages@{HOST}", f"Maya@{HOST.upper()}", "x@bounces.aldervalley.example", f"bounce+@{HOST}",
        f"bounce+short@{HOST}", f"doctor-@{HOST}", f"doctor-maya@{HOST}",
    ],
)  # fmt: skip
def test_nobody_there_is_said_at_once(door: RunningDoor, address: str) -> None:
    assert answer(door, address).startswith("550 5.1.1 Nobody reads mail at this address")


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    "address",
    [f"bounce+{'a' * 55}@{HOST}", f"doctor-{'0' * 32}-{'0' * 16}@{HOST}", "jonas@mail.example"],
)
def test_what_has_a_reader_or_another_domain_comes_in(door: RunningDoor, address: str) -> None:
    assert answer(door, address).startswith("250")


def test_a_portal_at_the_name_of_the_mail_domain_takes_mail_for_its_people(
    door: RunningDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, public_url="https://aldervalley.example", inside_domains=("aldervalley.example",))
    assert answer(door, "maya@aldervalley.example").startswith("250")


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("address", "reader"),
    [
        (f"postmaster@{HOST}", "postmaster@aldervalley.example"),
        (f"PostMaster@{HOST.upper()}", "postmaster@aldervalley.example"),
        (f"abuse@{HOST}", "abuse@aldervalley.example"),
        ("abuse@bounces.aldervalley.example", "abuse@aldervalley.example"),
        ("Postmaster", "postmaster@aldervalley.example"),
    ],
)
def test_postmaster_and_abuse_are_the_organisations(door: RunningDoor, address: str, reader: str) -> None:
    with Line(door.port) as line:
        line.ask(f"MAIL FROM:<{FROM}>".encode())
        assert line.ask(f"RCPT TO:<{address}>".encode()).startswith("250")
        assert line.ask(b"DATA").startswith("354")
        assert line.ask(b"Subject: please stop\r\n\r\nThis is spam.\r\n.").startswith("250")
    # At the portal's own name it would be handed over again.
    assert open_spooled(Spooled.objects.get()).envelope.recipients == (reader,)


@pytest.mark.usefixtures("named")
def test_where_no_organisation_is_known_they_are_refused_and_go_no_round(
    door: RunningDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, public_url=f"https://{HOST}", inside_domains=())
    for address in (f"postmaster@{HOST}", f"abuse@{HOST}", "postmaster"):
        assert answer(door, address).startswith("550 5.1.1")
    assert answer(door, "abuse").startswith("5"), "only postmaster needs no domain"
