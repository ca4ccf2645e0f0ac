"""Whoever answers is mailed a note of it where the brand says so: a reference and a link, no word of either side."""

from __future__ import annotations

import email
import email.policy

import pytest
from django.core.management import call_command

from branding.models import Brand
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.vault.models import Message, Reader
from tests.mails import JONAS, mail
from tests.seals import path_of, reader_of, seal, signed_in, turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(mail("[secure] canary-subject", "canary-body")))


def answer(reader: Reader) -> Message:
    signed_in(reader).post(f"{path_of(reader)}/reply", {"do": "send", "message": "canary-answer"})
    return Message.objects.get(pk=turn(Spooled.objects.exclude(pk=reader.message_id).get().pk).pk)


def test_by_default_there_is_none(reader: Reader) -> None:
    answer(reader)
    assert not Outbound.objects.filter(kind="note").exists()


def test_it_has_a_reference_and_a_link_and_nothing_else(reader: Reader) -> None:
    call_command("brand", "set", Brand.objects.get().slug, "--reply-notes", "on")
    written = answer(reader)
    prepared = letters.prepare(Outbound.objects.get(kind="note"))
    assert prepared is not None
    assert prepared.recipient == JONAS
    raw = b"".join(prepared.data)
    found = email.message_from_bytes(raw, policy=email.policy.default)
    own = reader_of(written)
    assert own.role == Reader.Role.AUTHOR
    for kind in ("plain", "html"):
        body = found.get_body((kind,))
        assert body is not None
        text = body.get_content()
        assert f"Reference {written.pk.hex[-8:]}" in text
        assert path_of(own) in text
        assert "canary" not in text
    assert "canary" not in found["Subject"]
    assert found["Auto-Submitted"] == "auto-generated"
    assert written.pk.hex[-8:] in signed_in(own).get(path_of(own)).content.decode(), "the page shows the same reference"


def test_a_message_of_our_own_people_makes_none(reader: Reader) -> None:
    Brand.objects.update(reply_notes=True)
    seal(mail("[secure] Another"))
    assert not Outbound.objects.filter(kind="note").exists()
