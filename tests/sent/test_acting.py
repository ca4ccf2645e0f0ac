"""What senders do to what they sent: withdrawn, undone, dated anew, narrowed, its mail sent again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.access import people
from portal.access.models import Session
from portal.audit.models import Entry
from portal.delivery.models import Outbound
from portal.lifecycle import bulk, withdrawing
from portal.lifecycle.actors import Actor, Who, Why
from portal.lifecycle.choosing import ANY, Choice
from portal.vault import readers, templates
from portal.vault.models import Message, RightsTemplate
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import path_of, reader_of, seal, signed_in, words
from tests.sent.browsing import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> Message:
    return seal(mail("[secure] Your results", files=[("scan.pdf", "application/pdf", b"%PDF-1.7 x")]), JONAS, KARIN)


def both(message: Message) -> list[str]:
    return [str(reader_of(message, address).pk) for address in (JONAS, KARIN)]


def act(message: Message, what: str, client: Client | None = None, **form: object) -> str:
    """Post a form; what the page says to which it led."""
    answer = (client or browser()).post(f"/sent/{message.pk}/{what}/", form, follow=True)
    return words(answer.content)


def entry(kind: str) -> dict[str, object]:
    facts: dict[str, object] = Entry.objects.filter(kind=kind).order_by("-id")[0].facts
    return facts


def can_read(message: Message, address: str = JONAS) -> bool:
    reader = reader_of(message, address)
    return signed_in(reader).get(path_of(reader)).status_code == 200


def test_the_withdraw_page_names_who_has_opened_and_downloaded_what(message: Message) -> None:
    readers.mark_opened(reader_of(message))
    Entry.objects.create(
        at=timezone.now(), kind="file.downloaded", message=message.pk, reader=reader_of(message).pk, facts={"file": 1}
    )
    text = words(browser().get(f"/sent/{message.pk}/withdraw/").content)
    assert "Withdraw this message?" in text and f"{KARIN} has not opened it." in text
    assert f"{JONAS} has opened it and downloaded 1 file. What was downloaded cannot be taken back." in text
    assert "Reason (only Alder Valley Clinic sees it)" in text and "Keep it" in text


def test_withdrawn_from_all_closes_at_once_and_can_be_undone(message: Message) -> None:
    reader = reader_of(message)
    open_page = signed_in(reader)
    assert open_page.get(path_of(reader)).status_code == 200
    text = act(message, "withdraw", reader=both(message), reason="wrong_content")
    assert "Withdrawn at " in text and "Undo" in text
    assert open_page.get(path_of(reader)).status_code == 410
    me = str(people.of_address(MAYA).pk)
    assert entry("message.withdrawn") == {"who": "sender", "by": me, "reason": "wrong_content"}
    assert "Change date" in act(message, "undo")
    assert entry("message.withdrawal_undone") == {"who": "sender", "by": me}
    assert open_page.get(path_of(reader)).status_code == 200


def test_withdrawn_from_one_leaves_the_other(message: Message) -> None:
    karin = both(message)[1]
    act(message, "withdraw", reader=karin, reason="wrong_person")
    assert can_read(message) and not can_read(message, KARIN)
    act(message, "undo", reader=karin)
    assert can_read(message, KARIN)


def test_without_a_reason_or_a_person_nothing_is_withdrawn(message: Message) -> None:
    assert "Choose a reason." in act(message, "withdraw", reader=both(message), reason="because")
    assert "Choose at least one person." in act(message, "withdraw", reason="other")
    assert "Choose a reason." in act(message, "withdraw", reader=both(message), reason="law"), "an administrator's"
    assert can_read(message)


def test_readers_of_another_message_are_not_touched(message: Message) -> None:
    other = seal(mail("[secure] Other", sender="ebba@aldervalley.example"), JONAS, sender="ebba@aldervalley.example")
    theirs = str(reader_of(other).pk)
    assert "Choose at least one person." in act(message, "withdraw", reader=theirs, reason="other")
    mine = str(reader_of(message, MAYA).pk)
    assert "Choose at least one person." in act(message, "withdraw", reader=mine, reason="other")
    assert can_read(other)


def test_recipients_are_told_where_the_sender_wants_it(message: Message) -> None:
    Outbound.objects.filter(kind="notice").update(state=Outbound.State.SENT)
    act(message, "withdraw", reader=both(message), reason="other", tell="yes")
    assert Outbound.objects.filter(kind="withdrawn").count() == 2


def test_what_an_administrator_withdrew_its_sender_does_not_undo(message: Message) -> None:
    withdrawing.withdraw(message.pk, "", by=Actor(Who.OFFICE, "x"), why=Why.LAW)
    text = words(browser().get(f"/sent/{message.pk}/").content)
    assert "An administrator withdrew it." in text and "Undo" not in text
    assert "There is nothing to undo." in act(message, "undo")
    assert not can_read(message)
    assert "Undo that first" in act(message, "date", until=f"{timezone.localdate() + timedelta(days=3)}")


OFFICE = Actor(Who.OFFICE, "x")


@pytest.mark.parametrize("office_first", [True, False])
def test_what_an_administrator_asked_for_as_well_its_sender_does_not_undo(message: Message, office_first: bool) -> None:
    def office() -> None:
        withdrawing.withdraw(message.pk, "", by=OFFICE, why=Why.LAW)

    if office_first:
        office()
    act(message, "withdraw", reader=both(message), reason="other")
    if not office_first:
        office()
        office()
        assert "Withdrawn by an administrator" in words(browser().get(f"/sent/{message.pk}/").content)
        assert entry("message.withdrawn_again") == {"who": "office", "by": "x", "reason": "law"}
    assert Entry.objects.filter(kind="message.withdrawn").count() == 1
    assert Entry.objects.filter(kind="message.withdrawn_again").count() == int(not office_first)
    assert "There is nothing to undo." in act(message, "undo")
    assert not can_read(message)
    withdrawing.undo(message.pk, by=OFFICE)
    act(message, "withdraw", reader=both(message), reason="other")
    act(message, "undo")
    assert can_read(message), "what was undone counts no more"


def test_of_one_reader_neither(message: Message) -> None:
    karin = reader_of(message, KARIN).pk
    act(message, "withdraw", reader=karin, reason="wrong_person")
    withdrawing.withdraw_some(message.pk, {karin}, "", by=OFFICE, why=Why.LAW)
    assert "There is nothing to undo." in act(message, "undo", reader=karin)
    assert not can_read(message, KARIN)


def test_a_run_over_many_takes_it_from_its_sender_too(message: Message) -> None:
    act(message, "withdraw", reader=both(message), reason="other")
    run = bulk.ask("withdraw", Choice(sender=MAYA, state=ANY), OFFICE)
    bulk.confirm(run, 1, OFFICE, Why.LAW)
    bulk.carry_out(only=run)
    assert bulk.outcomes(run) == {"already": 1}
    assert "There is nothing to undo." in act(message, "undo")
    assert not can_read(message)


def test_the_withdrawal_of_another_sender_of_old_is_not_undone_either(message: Message) -> None:
    withdrawing.withdraw_some(message.pk, {reader_of(message, KARIN).pk}, "", by=Actor(Who.OFFICE, "x"), why=Why.LAW)
    assert "There is nothing to undo." in act(message, "undo", reader=both(message)[1])
    assert not can_read(message, KARIN)


def test_another_date_later_or_earlier(message: Message) -> None:
    for days in (300, 2):
        day = timezone.localdate() + timedelta(days=days)
        assert "Recipients" in act(message, "date", until=day.isoformat())
        until = Message.objects.get(pk=message.pk).open_until
        assert until is not None and timezone.localtime(until).date() == day
    assert entry("message.date_changed")["who"] == "sender"


def test_a_day_that_is_over_leads_to_withdrawing(message: Message) -> None:
    text = act(message, "date", until=f"{timezone.localdate() - timedelta(days=1)}")
    assert "A day that is over would close it now. That is withdrawing it." in text and "Nothing was changed" in text
    for bad in ("soon", "never", ""):
        assert "Enter the last day" in act(message, "date", until=bad)
    assert "The last day can be at most" in act(message, "date", until=f"{timezone.localdate() + timedelta(days=731)}")
    assert can_read(message)


def test_two_at_once_the_later_sees_that_the_date_is_another(message: Message) -> None:
    day = timezone.localdate() + timedelta(days=9)
    text = act(message, "date", until=day.isoformat(), was="2026-01-01T00:00:00+00:00")
    assert "Somebody changed the date meanwhile." in text


def test_a_template_s_last_day_is_no_sender_s_to_move(message: Message) -> None:
    RightsTemplate.objects.create(slug="week", names={"en": "Week"}, rights={}, closes="days", open_days=7)
    Message.objects.filter(pk=message.pk).update(template="week", open_until=timezone.now() + timedelta(days=7))
    assert "The last day can be at most" in act(message, "date", until=f"{timezone.localdate() + timedelta(days=9)}")
    assert "Recipients" in act(message, "date", until=f"{timezone.localdate() + timedelta(days=3)}")
    assert templates.find("week") is not None


def test_downloading_is_turned_off_for_one_or_all_and_never_on(message: Message) -> None:
    jonas, karin = both(message)
    act(message, "rights", off="download", reader=karin)
    assert (readers.rights_of(reader_of(message)).download, readers.rights_of(reader_of(message, KARIN)).download) == (
        True,
        False,
    )
    act(message, "rights", off=["download", "print"], reader=[jonas, karin])
    message = Message.objects.get(pk=message.pk)
    assert not readers.rights_of(reader_of(message)).download and not readers.rights_of(reader_of(message)).print
    assert entry("message.rights_changed")["who"] == "sender"
    assert "Choose what is to be turned off." in act(message, "rights", download="on", off="level", reader=jonas)
    assert not readers.rights_of(reader_of(message)).download
    reader = reader_of(message)
    assert signed_in(reader).get(f"{path_of(reader)}/file/1").status_code != 200


def test_the_mail_goes_out_again_with_a_pause(message: Message) -> None:
    karin = both(message)[1]
    assert "Wait a little." in act(message, "resend", reader=karin)
    Outbound.objects.update(made_at=timezone.now() - timedelta(hours=1))
    assert "The mail is sent again." in act(message, "resend", reader=karin)
    assert Outbound.objects.filter(kind="notice", reader=karin).count() == 2
    assert entry("message.resent")["who"] == "sender"


def test_the_mail_goes_again_to_those_who_are_chosen_and_not_twice_at_once(message: Message) -> None:
    jonas, karin = both(message)
    readers.mark_opened(reader_of(message))
    page = browser().get(f"/sent/{message.pk}/resend/").content.decode()
    assert page.count(" checked") == 1, "those who have not opened it"
    Outbound.objects.filter(reader=karin).update(made_at=timezone.now() - timedelta(hours=1))
    assert "The mail is sent again." in act(message, "resend", reader=[jonas, karin])
    assert [Outbound.objects.filter(kind="notice", reader=one).count() for one in (jonas, karin)] == [1, 2]
    assert "Wait a little." in act(message, "resend", reader=[jonas, karin])
    assert "Choose at least one person." in act(message, "resend")


def test_a_page_that_was_just_opened_calls_nothing_wrong_and_may_begin_with_one_recipient(message: Message) -> None:
    client, karin = browser(), both(message)[1]
    for name in ("withdraw", "date", "rights", "resend", "add"):
        page = client.get(f"/sent/{message.pk}/{name}/").content.decode()
        assert "field--bad" not in page and "<title>Error:" not in page, name
    for name in ("withdraw", "rights", "resend"):
        page = client.get(f"/sent/{message.pk}/{name}/?reader={karin}").content.decode()
        assert page.count(" checked") == (2 if name == "rights" else 1), name  # what is offered first is downloading


def test_where_nothing_can_be_undone_the_page_says_so(message: Message, settings: Any) -> None:
    url = f"/sent/{message.pk}/withdraw/"
    assert "You can undo that for 10 minutes" in words(browser().get(url).content)
    settings.LETTERLOCK = replace(settings.LETTERLOCK, undo_minutes=0)
    assert "That cannot be undone" in words(browser().get(url).content)


def test_a_session_that_ended_acts_no_more(message: Message) -> None:
    client = browser()
    Session.objects.all().delete()
    assert "Withdrawn at" not in act(message, "withdraw", client, reader=both(message), reason="other")
    assert can_read(message)


def test_a_form_without_its_token_does_nothing(message: Message) -> None:
    client = browser()
    client.handler.enforce_csrf_checks = True
    answer = client.post(
        f"/sent/{message.pk}/withdraw/", {"reader": both(message), "reason": "other"},
        headers={"origin": "http://localhost"},
    )  # fmt: skip
    assert answer.status_code == 403 and can_read(message)
