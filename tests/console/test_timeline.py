"""The timeline of a message: who did what, with its technical part, about one reader; a scanner opens nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.audit.models import Entry
from portal.audit.record import record
from portal.ingest import pipeline, spool
from portal.operations import tracing, wording
from portal.vault.models import Message, Reader
from tests.console.conftest import CANARY, Arrive
from tests.mails import JONAS, KARIN, MAYA, mail


def test_it_tells_how_a_mail_came_and_with_which_key_it_was_sealed(brand: object) -> None:
    came = {"hello": "mail.aldervalley.example", "tls": "TLSv1.3", "proof": "login"}
    writer = spool.SpoolWriter.begin(spool.Envelope(MAYA, (JONAS,), "smtp", trusted=True, **came))
    writer.write(mail("[secure] x", "x"))
    id_ = writer.commit()
    pipeline.process()
    found = tracing.trace(id_)
    assert found is not None
    received, accepted, sealed, *_ = found.events
    assert received.sentence.startswith("Received from mail.aldervalley.example, ")
    assert received.sentence.endswith("Encrypted with TLSv1.3. Known by its login.")
    assert (received.actor, accepted.facts["proof"]) == ("Portal", "login")
    epoch = Message.objects.get(pk=id_).epochs.get().epoch
    assert epoch.startswith(sealed.facts["epoch"])
    assert found.rule == accepted.facts["rule"] == Message.objects.get(pk=id_).rule != ""


def test_a_stranger_s_server_gives_itself_no_name_in_the_record(brand: object) -> None:
    writer = spool.SpoolWriter.begin(spool.Envelope("a@mail.example", (MAYA,), "smtp", trusted=False, hello=CANARY))
    writer.write(mail("x", "x"))
    id_ = writer.commit()
    pipeline.process()
    assert all(CANARY not in str(entry.facts) for entry in Entry.objects.filter(message=id_))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"host": "mx.example", "tls": "TLSv1.3", "verified": "dane"}, "publishes (DANE)"),
        ({"host": "mx.example", "tls": "TLSv1.2", "verified": "mta-sts"}, "(MTA-STS)"),
        ({"host": "mx.example", "tls": "TLSv1.2", "verified": "no"}, "was not asked for"),
        ({"host": "mx.example"}, "To mx.example, not encrypted."),
        ({}, "Notice handed to the mail server: 250 2.0.0."),
    ],
)
def test_a_notice_is_told_with_how_well_it_was_protected(facts: dict[str, str], told: str) -> None:
    assert told in wording.sentence("wrapper.delivered", {"answer": "250 2.0.0", **facts})


def test_the_page_shows_one_reader_alone_and_keeps_names_out(owner: Client, arrive: Arrive) -> None:
    id_ = arrive(to=(JONAS, KARIN))
    jonas, karin = Reader.objects.filter(message=id_, role="recipient").order_by("number")
    record("file.downloaded", message=id_, reader=jonas.id, file=1)
    record("message.opened", message=id_, reader=karin.id, first=True)
    page = owner.get(f"/admin/messages/{id_}/").content.decode()
    assert "File 1 downloaded." in page
    assert "Opened for the first time." in page
    assert '<span class="id">file.downloaded</span>' in page
    assert "<dt>file</dt>" not in page, "facts are told in words"
    alone = owner.get(f"/admin/messages/{id_}/?reader={karin.number}").content.decode()
    assert "File 1 downloaded." not in alone
    assert "Opened for the first time." in alone
    assert owner.get(f"/admin/messages/{id_}/?reader=x").content.decode().count("File 1 downloaded.") == 1
    for secret in (CANARY, JONAS, KARIN, MAYA):
        assert secret not in page + alone


def test_who_asked_at_once_and_never_typed_looks_like_a_scanner_and_opened_nothing(arrive: Arrive) -> None:
    id_ = arrive()
    reader = Reader.objects.get(message=id_, role="recipient")
    record("recipient.passcode_sent", message=id_, reader=reader.id, answer="250 2.0.0")
    said = [event.sentence for event in tracing.trace(id_).events]  # type: ignore[union-attr]
    assert sum("looks like a scanner" in sentence for sentence in said) == 1
    assert Reader.objects.get(pk=reader.pk).first_opened_at is None
    record("recipient.confirmed", message=id_, reader=reader.id, method="passcode", provider="")
    said = [event.sentence for event in tracing.trace(id_).events]  # type: ignore[union-attr]
    assert not any("looks like a scanner" in sentence for sentence in said)


def test_who_asked_later_looks_like_nobody_but_themselves(arrive: Arrive) -> None:
    id_ = arrive()
    reader = Reader.objects.get(message=id_, role="recipient")
    Entry.objects.filter(message=id_).update(at=timezone.now() - timedelta(minutes=5))
    record("recipient.passcode_sent", message=id_, reader=reader.id, answer="250 2.0.0")
    assert not any("scanner" in event.sentence for event in tracing.trace(id_).events)  # type: ignore[union-attr]
