"""The passcode mail."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest

from branding.models import Brand
from portal.access.models import Challenge
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.vault.models import Reader
from tests.access.visitors import Clock, Visitor, mails, newest_code


@pytest.fixture
def mail(visitor: Visitor, reader: Reader) -> EmailMessage:
    visitor.ask(reader)
    (only,) = mails()
    return only


def bodies(mail: EmailMessage) -> list[str]:
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    return [part.get_content() for part in parts if part is not None]


def test_the_subject_holds_the_reference_and_no_digits_of_the_code(mail: EmailMessage) -> None:
    challenge = Challenge.objects.get()
    assert mail["Subject"] == f"Your passcode for Alder Valley Clinic ({challenge.reference})"
    headers = "\n".join(f"{name}: {value}" for name, value in mail.items())
    assert challenge.code() not in headers


def test_programs_can_tell_what_it_is_and_do_not_answer_it(mail: EmailMessage) -> None:
    assert mail["X-Letterlock"] == "passcode"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    outbound = Outbound.objects.get()
    assert mail["Message-ID"].strip() == f"<{outbound.id}@secure.aldervalley.example>"
    prepared = letters.prepare(outbound)
    assert prepared is not None
    assert prepared.envelope_sender.startswith("bounce+")


def test_it_comes_from_the_portals_own_host_to_the_reader_alone(mail: EmailMessage) -> None:
    assert "messages@secure.aldervalley.example" in mail["From"]
    assert mail["To"] == "Jonas.Berg@mail.example"
    assert mail["Cc"] is mail["Bcc"] is None


def test_both_parts_hold_the_code_and_no_other_number_that_a_phone_would_fill_in(mail: EmailMessage) -> None:
    code = Challenge.objects.get().code()
    text, html = bodies(mail)
    visible = re.sub(r"<style.*?</style>|<[^>]+>|<!--.*?-->", " ", html, flags=re.DOTALL)
    for body in (text, visible):
        assert set(re.findall(r"(?<!\d)\d{4,8}(?!\d)", body)) == {code}
        assert Challenge.objects.get().reference in body
    assert re.search(rf"(?m)^{code}\r?$", text)


def test_it_holds_no_link_no_sender_and_no_subject(mail: EmailMessage) -> None:
    for body in bodies(mail):
        assert "href" not in body
        assert not re.search(r"https?://", body)
        assert "Lindqvist" not in body


def test_a_challenge_that_is_over_sends_nothing(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.ask(reader)
    visitor.enter(reader, newest_code())
    assert mails() == []
    clock.forward(minutes=2)
    visitor.ask(reader)
    clock.forward(minutes=15)
    assert mails() == []


def test_of_two_mails_of_one_challenge_only_the_newer_leaves(visitor: Visitor, reader: Reader, clock: Clock) -> None:
    visitor.ask(reader)
    clock.forward(minutes=1)
    visitor.ask(reader)
    assert Outbound.objects.count() == 2
    assert len(mails()) == 1


def test_a_challenge_that_was_tidied_away_sends_nothing(visitor: Visitor, reader: Reader) -> None:
    visitor.ask(reader)
    Challenge.objects.all().delete()
    assert mails() == []


def test_the_queued_row_holds_neither_code_nor_address(visitor: Visitor, reader: Reader, brand: Brand) -> None:
    visitor.ask(reader)
    row = Outbound.objects.values().get()
    held = repr([bytes(v) if isinstance(v, bytes | memoryview) else v for v in row.values()])
    assert Challenge.objects.get().code() not in held
    assert "onas" not in held
    assert row["message"] == reader.message_id
