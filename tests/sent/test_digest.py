"""M7's digest: one mail a day at 16:00 for the senders who chose that, and no opening told twice or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.access import openings, people, sender_defaults, tidying
from portal.access.models import Opening
from portal.access.sender_defaults import Defaults
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import default_brand, path_of, reader_of, seal, signed_in
from tests.sent.browsing import browser
from tests.sent.test_receipts import text, with_page

pytestmark = pytest.mark.django_db
ASKED = [("X-Letterlock-Protect", "v=1; rcpt=1")]


@pytest.fixture
def daily() -> None:
    sender_defaults.keep(people.of_address(MAYA), default_brand(), Defaults(receipts=True, digest=True))


def open_it(message: object, *addresses: str) -> None:
    for address in addresses or (JONAS,):
        reader = reader_of(message, address)  # type: ignore[arg-type]
        signed_in(reader).get(path_of(reader))


def tomorrow() -> datetime:
    return timezone.now() + timedelta(days=1, minutes=5)


def kinds() -> list[str]:
    return list(Outbound.objects.filter(kind__in=("opened", "digest")).values_list("kind", flat=True))


@pytest.mark.usefixtures("daily")
def test_a_day_s_openings_come_in_one_mail_and_once() -> None:
    with_page()
    first, second = seal(mail("[secure] One"), JONAS, KARIN), seal(mail("[secure] Two"))
    open_it(first, JONAS, KARIN)
    open_it(second)
    assert not kinds() and not openings.send(timezone.now())
    assert openings.send(tomorrow()) == 1 and not openings.send(tomorrow())
    row = Outbound.objects.get(kind="digest")
    said = text(row)
    assert "Subject: Opened: 2 of your protected messages" in said and "Auto-Submitted: auto-replied" in said
    assert said.count(f"{JONAS} opened the message that you sent on") >= 2 and KARIN in said
    assert "confirmed the address by passcode" in said.replace("\r\n", " ") and "/sent/" in said


@pytest.mark.usefixtures("daily")
def test_subjects_are_named_only_where_the_brand_s_mails_show_them() -> None:
    open_it(seal(mail("[secure] Hidden results")))
    Brand.objects.update(show_subject=True)
    open_it(seal(mail("[secure] Shown results")))
    openings.send(tomorrow())
    said = text(Outbound.objects.get(kind="digest"))
    assert "Shown results" in said and "Hidden results" not in said


@pytest.mark.usefixtures("daily")
def test_on_a_day_without_openings_none_is_sent() -> None:
    seal(mail())
    assert not openings.send(tomorrow()) and not kinds()


@pytest.mark.usefixtures("daily")
def test_of_a_message_whose_sender_did_not_ask_nothing_is_told() -> None:
    open_it(seal(mail(headers=[("X-Letterlock-Protect", "v=1; rcpt=0")])))
    openings.send(tomorrow())
    assert not Opening.objects.exists() and not kinds()


def test_whoever_chose_at_once_or_nothing_is_told_at_once() -> None:
    open_it(seal(mail(headers=ASKED)))
    sender_defaults.keep(people.of_address(MAYA), default_brand(), Defaults(receipts=True))
    open_it(seal(mail("[secure] Two")))
    assert kinds() == ["opened", "opened"] and not openings.send(tomorrow())


@pytest.mark.usefixtures("daily")
def test_each_sender_gets_their_own() -> None:
    ebba = "ebba@aldervalley.example"
    sender_defaults.keep(people.of_address(ebba), default_brand(), Defaults(receipts=True, digest=True))
    open_it(seal(mail("[secure] Mine")))
    open_it(seal(mail("[secure] Hers", sender=ebba), KARIN, sender=ebba), KARIN)
    assert openings.send(tomorrow()) == 2
    for row in Outbound.objects.filter(kind="digest"):
        said = text(row)
        assert (JONAS in said) != (KARIN in said)
        assert ("ebba" in said) == (KARIN in said)


@pytest.mark.usefixtures("daily")
def test_what_is_gone_meanwhile_is_not_told() -> None:
    message = seal(mail())
    open_it(message)
    openings.send(tomorrow())
    Opening.objects.all().delete()
    assert prepare(Outbound.objects.get(kind="digest")) is None


@pytest.mark.usefixtures("daily")
def test_what_was_told_is_forgotten_after_a_month_and_what_waits_is_kept() -> None:
    open_it(seal(mail()))
    openings.send(tomorrow())
    open_it(seal(mail("[secure] Two")), JONAS)
    tidying.tidy(timezone.now() + timedelta(days=40))
    assert Opening.objects.get().mail is None


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-06-03 15:58", "2026-06-03 16:00"),
        ("2026-06-03 15:59:30", "2026-06-04 16:00"),
        ("2026-06-03 16:00", "2026-06-04 16:00"),
        ("2026-10-24 18:00", "2026-10-25 16:00"),  # summer time ends in that night
    ],
)
def test_the_hour_is_that_of_the_organisation_s_clocks(now: str, at: str) -> None:
    stockholm = ZoneInfo("Europe/Stockholm")
    with timezone.override(stockholm):
        found = openings.next_at(datetime.fromisoformat(now).replace(tzinfo=stockholm).astimezone(UTC))
        assert found == datetime.fromisoformat(at).replace(tzinfo=stockholm)


def test_never_leaves_what_was_sent_before_as_it_was() -> None:
    client = browser()
    client.post("/sent/settings/", {"receipts": "day"})
    before = seal(mail())
    client.post("/sent/settings/", {"receipts": "never"})
    assert not seal(mail("[secure] After")).receipt
    open_it(before)
    assert not kinds() and openings.send(tomorrow()) == 1
