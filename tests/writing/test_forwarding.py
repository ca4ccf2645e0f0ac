"""Forwarding: only with its right, only to the brand's domains, and what arrives is no freer than what was sent on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as product
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from branding.models import Brand
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of
from portal.ingest.models import Spooled
from portal.ingest.spoolfile import Envelope
from portal.vault.models import Message, Reader, Unsent
from portal.vault.opening import open_message
from portal.vault.rights import Rights
from portal.vault.unsent import words_of
from portal.writing import recipients
from tests.grants import change
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import path_of, reader_of, seal, signed_in, turn, words

pytestmark = pytest.mark.django_db
OTTO = "otto.weiss@web.example"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(50)


@pytest.fixture(autouse=True)
def _inside(settings: Any) -> None:
    settings.LETTERLOCK = replace(product.LETTERLOCK, inside_domains=("aldervalley.example",))


def free(*, wishes: str = "v=1; fwd=1", **more: Any) -> Reader:
    """Jonas, whose message may be forwarded."""
    raw = mail("Results", "No new tear.", headers=[("X-Letterlock-Protect", wishes)], **more)
    return reader_of(seal(raw))


@pytest.fixture
def reader() -> Reader:
    return free(files=[("scan.png", "image/png", PICTURE)])


def post(client: Client, reader: Reader, to: str, do: str = "send", **more: Any) -> Any:
    return client.post(f"{path_of(reader)}/forward", {"do": do, "to": to, "message": "See below.", **more})


def made(reader: Reader) -> Message:
    return Message.objects.get(pk=turn(Spooled.objects.exclude(pk=reader.message_id).latest("received_at").pk).pk)


def test_it_goes_whole_to_whom_was_typed(reader: Reader) -> None:
    client = signed_in(reader)
    assert "Forward" in words(client.get(path_of(reader)).content)
    done = post(
        client, reader, f"{OTTO}, leo@aldervalley.example,{OTTO.upper()}", files=[SimpleUploadedFile("b.txt", b"b")]
    )
    message = made(reader)
    found = {address_of(row): row.kind for row in Outbound.objects.filter(message=message.pk)}
    assert found == {OTTO: "notice", "leo@aldervalley.example": "reply"}
    opened = open_message(reader_of(message, OTTO))
    text = opened.body(opened.toc.text)
    assert opened.toc.subject == "Fwd: Results"
    assert opened.toc.sender.address == JONAS
    assert text.startswith("See below.")
    assert f"From: Dr Maya Lindqvist <{MAYA}>" in text
    assert "No new tear." in text
    assert [file.name for file in opened.toc.files] == ["scan.png", "b.txt"]
    assert b"".join(opened.chunks(opened.toc.files[0])) == PICTURE
    shown = words(client.get(done["Location"]).content)
    assert "The message has been forwarded" in shown
    assert "To 2 addresses" in shown


def test_html_stays_html_without_what_the_cleaner_wrote_for_its_pictures() -> None:
    html = '<p onclick="x()">No <b>new</b> tear.</p><img alt="a>b" src="cid:pic@x"><table><tr><td>1</td></tr></table>'
    raw = mail(
        "Results",
        html=html,
        files=[("scan.png", "image/png", PICTURE)],
        headers=[("X-Letterlock-Protect", "v=1; fwd=1")],
    )
    raw = raw.replace(b"Content-Type: image/png\r\n", b"Content-Type: image/png\r\nContent-ID: <pic@x>\r\n")
    reader = reader_of(seal(raw))
    before = open_message(reader)
    assert 'src="inline/' in before.body(before.toc.html)
    post(signed_in(reader), reader, OTTO)
    opened = open_message(reader_of(made(reader), OTTO))
    html = opened.body(opened.toc.html)
    assert "No <b>new</b> tear." in html
    assert "See below." in html
    assert "<td>1</td>" in html
    assert "onclick" not in html
    assert "<img" not in html
    assert [file.name for file in opened.toc.files] == ["scan.png"]
    assert not opened.toc.removed
    assert opened.toc.remote_pictures == 0


def test_what_is_forwarded_grants_no_more_and_closes_no_later() -> None:
    reader = free(wishes="v=1; fwd=1; dl=0")
    soon = timezone.now() + timedelta(days=2)
    Message.objects.update(open_until=soon)
    change(Brand.objects.all(), rights={"print": True}, minimum_level=2)
    reader.refresh_from_db()
    change(Brand.objects.all(), minimum_level=1)
    post(signed_in(reader), reader, OTTO)
    message = made(reader)
    rights = Rights.decode(bytes(message.rights))
    assert (rights.forward, rights.download, rights.reply, rights.print) == (False, False, True, True)
    assert message.open_until == soon
    otto = reader_of(message, OTTO)
    assert post(signed_in(otto), otto, KARIN).status_code == 404, "the right is not handed on by itself"


def test_rights_within_others_only_lose() -> None:
    every = [Rights(bool(n & 1), bool(n & 2), bool(n & 4), bool(n & 8)) for n in range(16)]
    for one in every:
        for other in every:
            both = one.within(other)
            for name in ("reply", "forward", "download", "print"):
                assert getattr(both, name) == (getattr(one, name) and getattr(other, name))
    assert Rights(level=3).within(Rights()).level == 3


def test_without_the_right_every_url_and_method_refuses() -> None:
    for reader in (reader_of(seal(mail())), reader_of(seal(mail()), MAYA)):
        client = signed_in(reader)
        url = f"{path_of(reader)}/forward"
        assert url not in client.get(path_of(reader)).content.decode()
        assert client.get(url).status_code == client.head(url).status_code == 404
        for do in ("send", "save", "swap", "delete", "remove-0"):
            assert post(client, reader, OTTO, do).status_code == 404
        assert client.put(url).status_code == client.delete(url).status_code == 405
        # Nor by the forms of other kinds, whatever they are sent.
        client.post(f"{path_of(reader)}/reply", {"do": "send", "message": "x", "kind": "forward", "to": OTTO})
    assert not Unsent.objects.exists()
    assert not Outbound.objects.exclude(kind="notice").exclude(kind="reply").exists()
    for row in Spooled.objects.all():
        turn(row.pk)
    assert OTTO not in {address_of(row) for row in Outbound.objects.all()}


def test_neither_strangers_nor_late_comers_nor_after_it_closed(reader: Reader) -> None:
    assert post(Client(HTTP_HOST="localhost"), reader, OTTO).status_code == 403
    client = signed_in(reader)
    Message.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    assert post(client, reader, OTTO).status_code == 410
    assert Spooled.objects.count() == 1


def test_only_to_the_domains_that_the_brand_allows(reader: Reader) -> None:
    change(Brand.objects.all(), forward_domains=["Web.example", "aldervalley.example"])
    client = signed_in(reader)
    sentence = "You can forward only to addresses at Web.example, aldervalley.example."
    assert sentence in words(client.get(f"{path_of(reader)}/forward").content)
    for refused in ("x@evil.example", "x@sub.web.example", "x@web.example.evil.example", f"{OTTO}, x@evil.example"):
        page = post(client, reader, refused)
        assert page.status_code == 422
        assert sentence in words(page.content)
        assert "See below.</textarea>" in page.content.decode()
    assert Spooled.objects.count() == 1
    assert words_of(open_message(reader), Unsent.objects.get()).to == (f"{OTTO}, x@evil.example",), "kept as typed"
    assert "/sent/" in post(client, reader, OTTO)["Location"]
    change(Brand.objects.all(), forward_domains=["MÜNCHEN.example", "not a domain", ""])
    assert "/sent/" in post(client, reader, "otto@xn--mnchen-3ya.example")["Location"]
    assert post(client, reader, OTTO).status_code == 422
    change(Brand.objects.all(), forward_domains=[])
    assert post(client, reader, OTTO).status_code == 404


@pytest.mark.parametrize(
    "typed",
    [
        "otto",
        "otto@",
        "@web.example",
        "otto@localhost",
        "a@b.example c@d.example",
        "a@b.example <c@d.example>",
        f"{OTTO}\rBcc: x@evil.example",
        "undisclosed: a@b.example;",
        '"a@b.example" <c@d.example>',
    ],
)
def test_what_is_no_complete_address_is_refused_and_shown_again(reader: Reader, typed: str) -> None:
    page = post(signed_in(reader), reader, f"{OTTO}, {typed}")
    assert page.status_code == 422
    assert "is not a complete address." in words(page.content)
    assert Spooled.objects.count() == 1


def test_nobody_and_too_many(reader: Reader) -> None:
    client = signed_in(reader)
    assert "Enter at least one address." in words(post(client, reader, " , ").content)
    many = ",".join(f"a{n}@web.example" for n in range(recipients.MOST_FORWARDED + 1))
    assert "You can forward this message to 20 more addresses." in words(post(client, reader, many).content)
    assert "/sent/" in post(client, reader, f"{OTTO}, {KARIN}")["Location"]
    assert "You can forward this message to 18 more addresses." in words(post(client, reader, many).content)


def test_its_subject_is_not_the_forwarders_to_write(reader: Reader) -> None:
    post(signed_in(reader), reader, OTTO, subject="Buy now")
    assert open_message(reader_of(made(reader), OTTO)).toc.subject == "Fwd: Results"


def test_an_answer_quotes_what_it_answers_if_its_writer_wants(reader: Reader) -> None:
    signed_in(reader).post(f"{path_of(reader)}/reply", {"message": "Thank you.", "original": "on"})
    opened = open_message(reader_of(made(reader), MAYA))
    lines = opened.body(opened.toc.text).split("\n")
    assert lines[0] == "Thank you."
    assert "> No new tear." in lines


def test_the_door_reads_envelopes_with_and_without_it() -> None:
    plain = Envelope(sender=JONAS, recipients=(OTTO,), source="reply", trusted=False)
    assert b"forwards" not in plain.encode()
    assert Envelope.decode(plain.encode()).forwards is False
    assert Envelope.decode(replace(plain, forwards=True).encode()).forwards is True
