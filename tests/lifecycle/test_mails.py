"""What recipients are told of a message's life, if the brand wants it: it closes soon (M4), it was withdrawn (M5)."""

from __future__ import annotations

import email
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.delivery import letters
from portal.delivery.models import Outbound
from portal.lifecycle import reminding, withdrawing
from portal.vault.models import Message, Reader
from tests.mails import JONAS, KARIN, mail
from tests.seals import reader_of, seal

pytestmark = pytest.mark.django_db
K, S = Outbound.Kind, Outbound.State


@pytest.fixture
def message() -> Message:
    sealed = seal(mail("[secure] Your results", "Kanarienvogel"), JONAS, KARIN)
    Brand.objects.update(reminder_days=3, tell_withdrawn=True)
    Outbound.objects.filter(kind=K.NOTICE).update(state=S.SENT)
    sealed.refresh_from_db()
    return sealed


def closing(message: Message) -> datetime:
    assert message.open_until
    return message.open_until


def written(row: Outbound) -> EmailMessage | None:
    prepared = letters.prepare(row)
    if prepared is None:
        return None
    found = email.message_from_bytes(b"".join(prepared.data), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(found: EmailMessage | None) -> str:
    assert found
    body = found.get_body(("plain",))
    assert body
    return " ".join(body.get_content().split())


def test_whoever_has_not_opened_it_is_reminded_once_three_days_before_it_closes(message: Message) -> None:
    assert reminding.remind(closing(message) - timedelta(days=4)) == 0
    reader = reader_of(message)
    reader.first_opened_at = timezone.now()
    reader.save()
    soon = closing(message) - timedelta(days=2)
    assert reminding.remind(soon) == 1
    assert reminding.remind(soon) == 0
    row = Outbound.objects.get(kind=K.REMINDER)
    assert row.reader == reader_of(message, KARIN)
    found = written(row)
    assert found
    assert found["Subject"] == "Unread: protected message from Dr Maya Lindqvist"
    assert found["To"] == KARIN
    assert found["Auto-Submitted"] == "auto-generated"
    said = text_of(found)
    assert "After that only Dr Maya Lindqvist can send it again." in said
    assert "/m/" in said
    assert "Kanarienvogel" not in found.as_string()


@pytest.mark.parametrize(
    "change",
    [
        {"state": Message.State.WITHDRAWN},
        {"open_until": None},
        {"destroying_at": timezone.now()},
    ],
)
def test_nobody_is_reminded_of_what_they_cannot_read(message: Message, change: dict[str, object]) -> None:
    when = closing(message) - timedelta(days=2)
    Message.objects.update(**change)
    if "destroying_at" in change:
        message.readers.update(destroying_at=timezone.now())
    assert reminding.remind(when) == 0


def test_nobody_is_reminded_whose_notice_did_not_arrive_or_who_hid_it(message: Message) -> None:
    when = closing(message) - timedelta(days=2)
    Outbound.objects.filter(reader=reader_of(message)).update(news=Outbound.News.FAILED)
    Reader.objects.filter(pk=reader_of(message, KARIN).pk).update(hidden_at=timezone.now())
    assert reminding.remind(when) == 0


def test_a_brand_that_wants_none_sends_none(message: Message) -> None:
    Brand.objects.update(reminder_days=None, tell_withdrawn=False)
    assert reminding.remind(closing(message) - timedelta(days=2)) == 0
    withdrawing.withdraw(message.id, "wrong file")
    assert not Outbound.objects.filter(kind__in=(K.REMINDER, K.WITHDRAWN)).exists()


def test_a_reminder_is_not_sent_to_who_opened_it_meanwhile(message: Message) -> None:
    reminding.remind(closing(message) - timedelta(days=2))
    Reader.objects.update(first_opened_at=timezone.now())
    assert [written(row) for row in Outbound.objects.filter(kind=K.REMINDER)] == [None, None]


def test_a_split_message_is_reminded_of_without_a_link_that_would_not_open_it(message: Message) -> None:
    Message.objects.update(split="strict")
    reminding.remind(closing(message) - timedelta(days=2))
    said = text_of(written(Outbound.objects.filter(kind=K.REMINDER)[0]))
    assert "/m/" not in said
    assert "Open it from the first mail" in said


def test_recipients_are_told_of_a_withdrawal_when_it_cannot_be_undone_any_more(message: Message) -> None:
    outcome = withdrawing.withdraw(message.id, "wrong file")
    rows = Outbound.objects.filter(kind=K.WITHDRAWN)
    assert [row.due_at for row in rows] == [outcome.destroy_after] * 2
    found = written(rows[0])
    assert found
    assert found["Subject"] == "Withdrawn: protected message from Dr Maya Lindqvist"
    said = text_of(found)
    assert "Dr Maya Lindqvist has withdrawn the message sent on" in said
    assert "You do not need to do anything." in said
    for secret in ("wrong file", "Your results", "Kanarienvogel"):
        assert secret not in found.as_string()


def test_who_undoes_it_troubles_nobody(message: Message) -> None:
    withdrawing.withdraw(message.id, "wrong file")
    withdrawing.undo(message.id)
    assert [written(row) for row in Outbound.objects.filter(kind=K.WITHDRAWN)] == [None, None]


def test_the_mail_can_be_written_when_the_message_is_destroyed_already(message: Message) -> None:
    withdrawing.withdraw(message.id, "wrong file", now=True)
    assert "Dr Maya Lindqvist has withdrawn the message" in text_of(
        written(Outbound.objects.filter(kind=K.WITHDRAWN)[0])
    )


def test_only_the_one_it_is_withdrawn_from_is_told_and_only_if_the_notice_had_left(message: Message) -> None:
    withdrawing.withdraw_reader(message.id, KARIN, "left the firm")
    assert [row.subject_row for row in Outbound.objects.filter(kind=K.WITHDRAWN)] == [reader_of(message, KARIN).id]
    Outbound.objects.filter(kind=K.NOTICE).update(state=S.DUE)
    withdrawing.withdraw_reader(message.id, JONAS, "never sent")
    assert Outbound.objects.filter(kind=K.WITHDRAWN).count() == 1
