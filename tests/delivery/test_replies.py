"""An answer in the mailbox of the person inside (M6): whole, in its thread, and plainly from the portal."""

import hashlib
import os
import tracemalloc

import pytest
from django.test import Client

from portal.access import cookies, people, sessions
from portal.audit.models import Entry
from portal.delivery import bounces, large, replies, verp
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.delivery.sending import send_due
from portal.keys.split import code_of
from portal.mime.addresses import Mailbox
from portal.vault import readers
from portal.vault.blobs import store
from portal.vault.models import Blob, Message, Wrap
from tests.delivery import relays
from tests.delivery.test_bounces import report

pytestmark = pytest.mark.django_db

MAYA = Mailbox("Dr Maya Lindqvist", "maya.lindqvist@aldervalley.example")
ANSWER = {
    "sender": Mailbox("Jonas Berg", "jonas.berg@mail.example"),
    "to": (MAYA,),
    "subject": "Re: Your MRI results – Füße",
    "text": "Thank you.\nThursday works.\n.\nSüße Grüße",
    "message_id": "<answer@secure.aldervalley.example>",
    "in_reply_to": "<first@aldervalley.example>",
    "references": ("<zero@aldervalley.example>", "<first@aldervalley.example>"),
    "direction": Message.Direction.IN,
}


def test_it_arrives_as_an_ordinary_mail_in_the_thread(seal, mail_to, relay):
    mail = mail_to(seal(**ANSWER, files=()), "reply")
    assert relay.taken[0].recipients == ("maya.lindqvist@aldervalley.example",)
    assert relay.taken[0].sender.endswith("@secure.aldervalley.example")
    assert relay.taken[0].sender.startswith("bounce+")
    assert mail["From"].addresses[0].display_name == "Jonas Berg via Alder Valley Clinic secure messages"
    assert mail["From"].addresses[0].addr_spec == "messages@secure.aldervalley.example"
    assert mail["Reply-To"] == "Jonas Berg <jonas.berg@mail.example>"
    assert mail["To"] == "Dr Maya Lindqvist <maya.lindqvist@aldervalley.example>"
    assert mail["Subject"] == "Re: Your MRI results – Füße"
    assert mail["X-Letterlock"] == "reply"
    assert mail["Auto-Submitted"] is None
    assert mail["Message-ID"].strip() == "<answer@secure.aldervalley.example>"
    assert mail["In-Reply-To"] == "<first@aldervalley.example>"
    assert mail["References"].split() == ["<zero@aldervalley.example>", "<first@aldervalley.example>"]
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert text.removesuffix("\n") == (
        "Protected reply from Jonas Berg. Your answer is protected again.\n\nThank you.\nThursday works.\n.\nSüße Grüße"
    )


def test_its_files_arrive_whole_under_their_names(seal, mail_to, relay):
    large = os.urandom(3_000_001)
    files = (
        ("Röntgen – Knie.pdf", "application/pdf", b"%PDF-1.7 small"),
        ("empty.txt", "text/plain", b""),
        ("scan.tiff", "image/tiff", large),
    )
    mail = mail_to(seal(**ANSWER, files=files), "reply")
    got = [(p.get_filename(), p.get_content_type(), p.get_payload(decode=True)) for p in mail.iter_attachments()]
    assert [(name, type_) for name, type_, _ in got] == [(name, type_) for name, type_, _ in files]
    for (_, _, arrived), (_, _, written) in zip(got, files, strict=True):
        assert hashlib.sha256(arrived).digest() == hashlib.sha256(written).digest()
    assert max(len(line) for line in relay.taken[0].data.split(b"\r\n")) <= 998
    announced = next(int(o.removeprefix("SIZE=")) for o in relay.taken[0].options if o.startswith("SIZE="))
    assert len(relay.taken[0].data) <= announced < 1.1 * len(relay.taken[0].data) + 20_000


def test_large_files_are_opened_piece_by_piece(seal):
    message = seal(**ANSWER, files=(("big.bin", "application/octet-stream", os.urandom(48_000_000)),))
    reader = message.readers.get(number=0)
    outbound = enqueue("reply", address=readers.address_of(reader), message=message.id, reader=reader)
    tracemalloc.start()
    try:
        mail = replies.build(outbound)
        size = sum(len(chunk) for chunk in mail.data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 64_000_000
    assert peak < 20_000_000


def test_a_writer_who_poses_as_somebody_else_is_named_by_their_address(seal, mail_to):
    changed = ANSWER | {"sender": Mailbox("Dr Maya <maya.lindqvist@aldervalley.example>", "jonas.berg@mail.example")}
    mail = mail_to(seal(**changed, files=()), "reply")
    (from_,) = mail["From"].addresses
    assert from_.display_name == "jonas.berg@mail.example via Alder Valley Clinic secure messages"
    assert mail["Reply-To"] == "jonas.berg@mail.example"
    text = mail.get_body(("plain",)).get_content()
    assert text.startswith("Protected reply from jonas.berg@mail.example. Your answer is protected again.")


def test_no_field_of_an_answer_breaks_the_headers(seal, mail_to):
    changed = ANSWER | {
        "sender": Mailbox("Jonas\r\nBcc: x@evil.invalid", "jonas.berg@mail.example"),
        "subject": "Re: a\r\nX-Letterlock: notice\r\n\r\nbody",
        "in_reply_to": "<a@b>\r\nBcc: x@evil.invalid",
    }
    mail = mail_to(seal(**changed, files=(("a\r\nBcc: x.pdf", "application/pdf\r\nBcc: x", b"x"),)), "reply")
    assert mail["Bcc"] is None
    assert mail.get_all("X-Letterlock") == ["reply"]
    assert all(part["Bcc"] is None for part in mail.walk())


def test_a_damaged_answer_sends_nothing_and_is_seen(seal, relay):
    message = seal(**ANSWER, files=(("big.bin", "application/octet-stream", os.urandom(2_000_000)),))
    blob = Blob.objects.get(name="part/1")
    path = store()._path(blob.id)
    sealed = bytearray(path.read_bytes())
    sealed[1_500_000] ^= 1
    path.write_bytes(sealed)
    reader = message.readers.get(number=0)
    enqueue("reply", address=readers.address_of(reader), message=message.id, reader=reader)
    send_due(["reply"])
    outbound = Outbound.objects.get(kind="reply")
    assert (outbound.state, outbound.last_answer, relay.taken) == (Outbound.State.FAILED, "damaged", [])


@pytest.mark.parametrize("kind", ["reply", "large", "notice"])
def test_a_row_that_is_pointed_at_another_reader_takes_nothing_of_theirs_to_its_own_address(seal, relay, kind):
    message = seal(**ANSWER, files=())
    reader = message.readers.get(number=0)
    mine = enqueue(kind, address="mallory@aldervalley.example", message=message.id)
    Outbound.objects.filter(pk=mine.pk).update(reader=reader)
    send_due([kind])
    outbound = Outbound.objects.get(pk=mine.pk)
    assert (outbound.state, outbound.last_answer, relay.taken) == (Outbound.State.FAILED, "damaged", [])


def test_an_answer_whose_key_is_destroyed_does_not_leave(seal, relay):
    message = seal(**ANSWER, files=())
    reader = message.readers.get(number=0)
    enqueue("reply", address=readers.address_of(reader), message=message.id, reader=reader)
    Wrap.objects.all().delete()
    send_due(["reply"])
    outbound = Outbound.objects.get()
    assert (outbound.state, outbound.last_answer, relay.taken) == (Outbound.State.DROPPED, "key destroyed", [])


def test_what_is_too_large_for_the_mail_server_stays_here_and_its_recipient_gets_the_link(seal, configure):
    with relays.running(data_size_limit=20_000) as small:
        configure(relay_url=small.url)
        message = seal(**ANSWER, files=[("scan.tiff", "image/tiff", os.urandom(40_000))])
        reader = message.readers.get(role="recipient")
        enqueue(Outbound.Kind.REPLY, address=MAYA.address, message=message.pk, reader=reader)
        send_due([Outbound.Kind.REPLY])
        send_due([Outbound.Kind.LARGE])
        (taken,) = small.taken
    assert taken.recipients == (MAYA.address,)
    said = taken.data.decode().replace("=\r\n", "")
    assert "Jonas Berg replied with 1 file (40 KB). Open it here:" in said and readers.link_of(reader) in said
    assert "scan.tiff" not in said and "Thursday works" not in said and "MRI" not in said
    assert Outbound.objects.get(kind="reply").state == Outbound.State.DROPPED
    assert not Outbound.objects.filter(kind="telling").exists(), "it did arrive, so nobody is told otherwise"
    assert Entry.objects.filter(kind__in=("reply.kept", "reply.link_delivered")).count() == 2
    there = Client(HTTP_HOST=message.brand.host)
    there.cookies[cookies.SESSION] = sessions.begin(people.of_reader(reader), message.brand, keep=False)
    page = there.get(f"/m/{readers.link_of(reader)}", headers={"X-Forwarded-Proto": "https"})
    assert page.status_code == 200 and b"scan.tiff" in page.content


def test_the_link_to_a_split_one_opens_it_and_what_opens_it_stays_nowhere(seal, configure):
    with relays.running(data_size_limit=20_000) as small:
        configure(relay_url=small.url)
        message = seal(**ANSWER, files=[("scan.tiff", "image/tiff", os.urandom(40_000))], split="link")
        reader = message.readers.get(role="recipient")
        share = message.shares[reader.pk]
        enqueue(Outbound.Kind.REPLY, address=MAYA.address, message=message.pk, reader=reader, share=share)
        send_due([Outbound.Kind.REPLY])
        assert bytes(Outbound.objects.get(kind="large").share)
        send_due([Outbound.Kind.LARGE])
        (taken,) = small.taken
    assert f"{readers.link_of(reader)}#{code_of(share)}" in taken.data.decode().replace("=\r\n", "")
    assert not any(bytes(row.share) for row in Outbound.objects.all())
    assert Outbound.objects.get(kind="large").state == Outbound.State.SENT


def came_back(message, status="5.3.4", **more):
    """An answer that left, and a report of it that came later."""
    reader = message.readers.get(role="recipient")
    row = enqueue(Outbound.Kind.REPLY, address=MAYA.address, message=message.pk, reader=reader, **more)
    send_due([Outbound.Kind.REPLY])
    row.refresh_from_db()
    address = verp.address_for(row, message.brand)
    for _ in range(2):
        bounces.take([address], "", report(status=status))
    row.refresh_from_db()
    return row


@pytest.mark.parametrize("status", ["5.3.4", "5.2.3"])
def test_a_report_that_comes_later_and_says_too_large_brings_the_link_once(seal, relay, status):
    row = came_back(seal(**ANSWER, files=()), status)
    assert (row.state, row.news) == (Outbound.State.DROPPED, "")
    assert Entry.objects.get(kind="reply.kept").facts == {"answer": status, "reported": True}
    assert Outbound.objects.filter(kind="large").count() == 1
    assert not Outbound.objects.filter(kind="telling").exists()


def test_a_report_that_says_anything_else_or_is_of_a_split_one_is_a_failure(seal, relay):
    for row in (
        came_back(seal(**ANSWER, files=()), "5.1.1"),
        came_back(message := seal(**ANSWER, files=(), split="link"), share=next(iter(message.shares.values()))),
    ):
        assert (row.state, row.news) == (Outbound.State.SENT, Outbound.News.FAILED)
    assert not Outbound.objects.filter(kind="large").exists()


def test_what_is_refused_for_another_reason_fails_as_before(seal):
    reader = seal(**ANSWER, files=()).readers.get(role="recipient")
    row = enqueue(Outbound.Kind.REPLY, address=MAYA.address, message=reader.message_id, reader=reader)
    assert large.stays_here(row, "552 5.3.4") and large.stays_here(row, "552 5.2.3")
    assert not any(large.stays_here(row, answer) for answer in ("550 5.1.1", "552 5.2.2", "552", "452 4.3.4"))
