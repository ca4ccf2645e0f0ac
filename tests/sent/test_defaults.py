"""A sender's own defaults: kept by the form, and what they are worth beside rules, headers and the brand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.access import people, sender_defaults
from portal.access.models import SenderDefaults
from portal.access.sender_defaults import Defaults
from portal.audit.models import Entry
from portal.rules import live, publishing
from portal.vault import readers
from portal.vault.models import Message
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand, put, reader_of, seal, words
from tests.sent.browsing import browser

pytestmark = pytest.mark.django_db
EBBA = "ebba@aldervalley.example"


def last_day(message: Message) -> date:
    assert message.open_until is not None
    return timezone.localtime(message.open_until).date()


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def save(**form: object) -> str:
    return words(browser().post("/sent/settings/", form, follow=True).content)


def header(value: str) -> list[tuple[str, str]]:
    return [("X-Letterlock-Protect", f"v=1; {value}")]


def test_what_is_chosen_is_kept_and_recorded() -> None:
    assert "Saved." in save(open_days="7", receipts="each", template="view-only")
    me = people.of_address(MAYA)
    assert sender_defaults.of(me, default_brand()) == Defaults(7, True, template="view-only")
    facts = Entry.objects.get(kind="sender.defaults_changed").facts
    assert facts == {"by": str(me.pk), "open_days": 7, "receipts": True, "digest": False, "template": "view-only"}
    save(open_days="", template="")
    assert sender_defaults.of(me, default_brand()) == Defaults()


@pytest.mark.parametrize(
    "form", [{"open_days": "31"}, {"open_days": "0"}, {"open_days": "x"}, {"template": "theirs"}, {"receipts": "x"}]
)
def test_what_is_wrong_changes_nothing_and_is_said(form: dict[str, str]) -> None:
    save(open_days="7")
    assert "Nothing was changed" in save(**form)
    assert SenderDefaults.objects.get().open_days == 7


def test_looking_keeps_nothing() -> None:
    browser().get("/sent/settings/?open_days=3&receipts=yes")
    assert not SenderDefaults.objects.exists()


def test_they_hold_for_their_own_mail_alone() -> None:
    save(open_days="7", receipts="each", template="do-not-forward")
    mine = seal(mail("[secure] Mine"))
    assert last_day(mine) == in_days(7) and mine.receipt and mine.template == "do-not-forward"
    assert not readers.rights_of(reader_of(mine)).download
    theirs = seal(mail("[secure] In my name", sender=EBBA), JONAS, sender=EBBA)
    assert last_day(theirs) == in_days(30) and not theirs.receipt and not theirs.template


def test_of_another_brand_and_of_an_unknown_hand_they_do_not_hold() -> None:
    harbour = Brand.objects.create(slug="harbour", name="Harbour", host="harbour.localhost")
    sender_defaults.keep(people.of_address(MAYA), harbour, Defaults(7, True))
    assert last_day(seal(mail())) == in_days(30)
    sender_defaults.keep(people.of_address(MAYA), default_brand(), Defaults(7, True))
    row = put(mail(), trusted=False)
    assert not Message.objects.filter(pk=row.pk, receipt=True).exists()


def test_the_mail_s_own_header_counts_more() -> None:
    save(open_days="7", receipts="each", template="view-only")
    mine = seal(mail(headers=header(f"until={in_days(20).isoformat()}; rcpt=0; template=encrypt")))
    assert last_day(mine) == in_days(20) and not mine.receipt and mine.template == "encrypt"


def test_a_rule_counts_more() -> None:
    save(open_days="7", template="view-only")
    document = {
        "format": 1,
        "mode": "first",
        "rules": [
            {
                "id": "r0",
                "name": "Always",
                "when": [{"if": "subject_words", "values": ["results"]}],
                "then": [{"do": "protect", "open": 3, "template": "do-not-forward"}],
            }
        ],
    }
    publishing.publish(document, expected=publishing.live_number())
    live.forget()
    ruled = seal(mail())
    live.forget()
    assert last_day(ruled) == in_days(3) and ruled.template == "do-not-forward"


def test_the_brand_s_days_are_the_most() -> None:
    save(open_days="30")
    Brand.objects.update(open_days=5)
    assert last_day(seal(mail())) == in_days(5)
