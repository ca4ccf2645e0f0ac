"""P5: only those addressed can open a message, and only what their rights allow, for every byte served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mails import JONAS, KARIN, Mailbox, link_in, mail, send
from tests.person import Person
from tests.servers import Portal

pytestmark = pytest.mark.servers
SECRET = b"only for Jonas"
CONTENT = ("body", "file/1", "file/2", "files", "inline/1", "original", "file/99", "file/1/preview",
           "file/1/preview/1/picture", "file/1/preview/1/text", "mark.svg")  # fmt: skip


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One for all: each test writes to people of its own."""
    settings = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    with Portal(tmp_path_factory.mktemp("p5") / "data", **settings) as running:
        yield running


def reader(portal: Portal, address: str) -> tuple[Person, str]:
    mailbox = Mailbox(portal.outbox, address)
    link = link_in(mailbox.wait("notice"))
    person = Person(portal.url)
    person.sign_in(link, mailbox)
    return person, link


def test_another_signed_in_reader_gets_nothing(portal: Portal) -> None:
    files = [("a.txt", "text/plain", SECRET), ("b.bin", "application/pdf", SECRET * 50_000)]
    send(portal.smtp, mail(text=SECRET.decode(), html=f"<p>{SECRET.decode()}</p>", files=files))
    send(portal.smtp, mail(to=KARIN), KARIN)
    jonas, theirs = reader(portal, JONAS)
    karin, _ = reader(portal, KARIN)
    assert jonas.get(f"{theirs}/file/1").body == SECRET
    page = karin.get(theirs)
    assert "That is a different address" in page.text
    assert JONAS not in page.text
    for content in CONTENT:
        answer = karin.get(f"{theirs}/{content}")
        assert answer.status == 404
        assert SECRET not in answer.body
    for form in ("reply", "reply-all", "forward"):
        assert SECRET not in karin.get(f"{theirs}/{form}").body
    assert SECRET.decode() not in karin.get("/inbox/").text


def test_a_stranger_gets_nothing(portal: Portal) -> None:
    send(portal.smtp, mail(text=SECRET.decode(), files=[("a.txt", "text/plain", SECRET)]), "ines@mail.example")
    link = link_in(Mailbox(portal.outbox, "ines@mail.example").wait("notice"))
    for content in ("", *(f"/{name}" for name in CONTENT), "/reply", "/reply-all", "/forward"):
        assert SECRET not in Person(portal.url).get(link + content).body


def test_a_file_is_refused_when_downloading_is_off(portal: Portal) -> None:
    raw = mail("Results", files=[("a.txt", "text/plain", SECRET)], headers=[("X-Letterlock-Protect", "v=1; dl=0")])
    send(portal.smtp, raw, "nils@mail.example")
    person, link = reader(portal, "nils@mail.example")
    assert '/file/1"' not in person.get(link).text
    answer = person.get(f"{link}/file/1")
    assert answer.status == 404
    assert SECRET not in answer.body


def test_each_recipient_has_a_link_of_their_own(portal: Portal) -> None:
    two = "olaf@mail.example", "petra@mail.example"
    send(portal.smtp, mail(), *two)
    links = {link_in(Mailbox(portal.outbox, who).wait("notice")) for who in two}
    assert len(links) == 2
    notice = Mailbox(portal.outbox, two[1]).mails("notice")[0]
    assert two[0] not in notice.as_string()


def test_a_link_says_nothing_under_another_brands_host(portal: Portal) -> None:
    send(portal.smtp, mail(), "lena@mail.example")
    link = link_in(Mailbox(portal.outbox, "lena@mail.example").wait("notice"))
    answer = Person(portal.url).get(link, Host="evil.example")
    assert answer.status == 400
    assert "Maya" not in answer.text
