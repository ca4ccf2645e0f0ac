"""R4: asking the sender to send a message to another address too. It opens nothing and adds nobody."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.conf import settings

from branding.models import Brand
from portal.access.models import AskedSender, Session
from portal.access.tidying import tidy
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.access.visitors import Clock, Visitor, make_provider, make_reader, words


def url(reader: Reader) -> str:
    return f"/m/{readers.link_of(reader)}/request/"


def to_sender() -> list[EmailMessage]:
    prepared = [letters.prepare(row) for row in Outbound.objects.filter(kind="request").order_by("made_at")]
    raw = [b"".join(mail.data) for mail in prepared if mail is not None]
    return [message_from_bytes(one, policy=policy.default) for one in raw]  # type: ignore[misc]


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return " ".join(part.get_content().split())


@pytest.fixture
def anna(brand: Brand, clock: Clock) -> Visitor:
    """Someone who has confirmed an address that the message was not sent to."""
    visitor = Visitor(brand)
    visitor.prove(make_reader(brand, "anna@other.example"))
    clock.forward(minutes=2)
    return visitor


def test_a_confirmed_person_asks_and_the_sender_is_told_what_to_do(anna: Visitor, reader: Reader) -> None:
    page = words(anna.get(url(reader)))
    assert "Ask Dr Maya Lindqvist to send it again" in page
    assert "anna@other.example" in page
    sent = anna.post(url(reader), note="It is me,  Anna\r\nBerg")
    assert (sent.status_code, sent["Location"]) == (303, f"{url(reader)}?done")
    done = words(anna.get(sent["Location"]))
    assert "We have told Dr Maya Lindqvist" in done
    assert "They decide whether to send it to anna@other.example" in done
    (mail,) = to_sender()
    assert mail["To"] == "Dr Maya Lindqvist <maya@aldervalley.example>"
    assert mail["Subject"] == "anna@other.example asks to read a message that you sent"
    assert mail["Auto-Submitted"]
    for kind in ("plain", "html"):
        said = text_of(mail, kind)
        for part in ("Jonas.Berg@mail.example", "It is me, Anna Berg", "Do you know that this address is theirs?"):
            assert part in said
        assert "/m/" not in said
        assert "http" not in said.partition("<body")[2]


def test_the_mail_names_the_page_of_what_was_sent_where_its_reader_can_sign_in(
    anna: Visitor, brand: Brand, reader: Reader
) -> None:
    row = make_provider(brand, "corp", "oidc", "aldervalley.example", senders=True)
    anna.post(url(reader))
    page = "http://secure.aldervalley.example:8000/sent/"
    for kind in ("plain", "html"):
        assert page in text_of(to_sender()[0], kind)
        assert "/m/" not in text_of(to_sender()[0], kind)
    row.brands.clear()
    assert page not in text_of(to_sender()[0])


def test_it_opens_nothing_and_adds_nobody(anna: Visitor, reader: Reader) -> None:
    before = list(Reader.objects.order_by("pk").values_list("pk", "address_lookup"))
    anna.post(url(reader))
    assert list(Reader.objects.order_by("pk").values_list("pk", "address_lookup")) == before
    assert anna.get(f"/m/{readers.link_of(reader)}").status_code == 403
    reader.refresh_from_db()
    assert reader.first_opened_at is None


def test_one_request_a_message_and_hour_whoever_asks(anna: Visitor, brand: Brand, reader: Reader, clock: Clock) -> None:
    other = Visitor(brand)
    other.prove(make_reader(brand, "otto@other.example"))
    assert anna.post(url(reader)).status_code == 303
    clock.forward(minutes=25)
    for visitor in (anna, other):
        refused = visitor.post(url(reader), note="again")
        assert (refused.status_code, int(refused["Retry-After"]) <= 36 * 60) == (429, True)
        assert "You can ask again at" in words(refused)
        assert ">again</textarea>" in refused.content.decode()
    assert len(to_sender()) == 1
    clock.forward(minutes=28)
    anna.get("/settings/")
    clock.forward(minutes=8)
    assert anna.post(url(reader)).status_code == 303
    assert len(to_sender()) == 2


def test_one_person_asks_five_senders_an_hour(anna: Visitor, brand: Brand) -> None:
    answers = [anna.post(url(make_reader(brand, f"r{n}@mail.example"))).status_code for n in range(6)]
    assert answers == [303] * 5 + [429]


def test_a_stranger_may_not_ask_and_is_told_nothing(stranger: Visitor, reader: Reader) -> None:
    for answer in (stranger.get(url(reader)), stranger.post(url(reader), note="x")):
        assert "First, confirm that you can use" in words(answer)
    assert stranger.post(f"/m/{readers.new_link()}/request/").status_code == 404
    assert not AskedSender.objects.exists()


def test_the_person_it_was_sent_to_is_led_to_it(visitor: Visitor, reader: Reader) -> None:
    visitor.prove(reader)
    assert visitor.post(url(reader))["Location"] == f"/m/{readers.link_of(reader)}"
    assert not AskedSender.objects.exists()


def test_a_look_asks_nobody(anna: Visitor, reader: Reader) -> None:
    for _ in range(10):
        assert "We have told" not in words(anna.get(f"{url(reader)}?done"))
        anna.client.head(url(reader))
    assert not AskedSender.objects.exists()


@pytest.mark.parametrize("note", ["see https://evil.example/x", "see www.evil.example", "ｈttps://evil.example"])
def test_a_link_in_the_note_is_not_carried_to_the_sender(anna: Visitor, reader: Reader, note: str) -> None:
    page = anna.post(url(reader), note=note)
    assert (page.status_code, "Leave links and addresses out" in words(page)) == (422, True)
    assert not AskedSender.objects.exists()


def test_a_long_note_is_cut_and_markup_is_text(anna: Visitor, reader: Reader) -> None:
    anna.post(url(reader), note="<b>x</b>" + "y" * 10_000)
    (mail,) = to_sender()
    assert "<b>x</b>" not in text_of(mail, "html")
    assert "&lt;b&gt;x" in text_of(mail, "html")
    assert text_of(mail).count("y" * 192) == 1
    assert "y" * 193 not in text_of(mail).replace(" ", "")


def test_the_note_and_the_address_lie_sealed(anna: Visitor, reader: Reader) -> None:
    anna.post(url(reader), note="It is me")
    row = AskedSender.objects.values().get()
    assert b"It is me" not in bytes(row["note"])
    assert "anna" not in repr(list(Outbound.objects.filter(kind="request").values()))


def test_switched_off_it_is_not_there(anna: Visitor, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    link = f"/m/{readers.link_of(reader)}"
    monkeypatch.setattr(settings, "LETTERLOCK", replace(settings.LETTERLOCK, ask_sender=False))
    assert anna.post(url(reader)).status_code == 404
    assert url(reader) not in anna.get(link).content.decode()
    assert not AskedSender.objects.exists()


def test_a_message_without_a_sender_who_could_be_asked_offers_nothing(anna: Visitor, reader: Reader) -> None:
    told = readers.Envelope("", "", reader.message.made_at, "<1@x.example>")
    Message.objects.filter(pk=reader.message_id).update(envelope=readers.seal_envelope(reader.message_id, told))
    assert anna.post(url(reader)).status_code == 404


def test_a_forgotten_request_sends_nothing(anna: Visitor, reader: Reader, clock: Clock) -> None:
    anna.post(url(reader))
    clock.forward(days=13)
    tidy(clock.moment)
    assert len(to_sender()) == 1, "its sender may answer for two weeks"
    clock.forward(days=2)
    tidy(clock.moment)
    assert to_sender() == []
    assert not Session.objects.filter(ends_at__gt=clock.moment).exists()
