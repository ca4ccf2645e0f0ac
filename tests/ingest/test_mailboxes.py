"""Mail to the portal's own name: bounces and the doctor's probes come in, the rest is refused and goes no round."""

from __future__ import annotations

import pytest

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
    configure(monkeypatch, public_url=f"https://{HOST}", bounce_domain="bounces.aldervalley.example")


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
    [f"bounce+{'a' * 55}@{HOST}", f"doctor-{'0' * 32}-{'0' * 16}@{HOST}", f"postmaster@{HOST}", "jonas@mail.example"],
)
def test_what_has_a_reader_or_another_domain_comes_in(door: RunningDoor, address: str) -> None:
    assert answer(door, address).startswith("250")


def test_a_portal_at_the_name_of_the_mail_domain_takes_mail_for_its_people(
    door: RunningDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, public_url="https://aldervalley.example", inside_domains=("aldervalley.example",))
    assert answer(door, "maya@aldervalley.example").startswith("250")
