"""What a sender sees of what they sent: whose it is, what became of it, and never its content."""

from __future__ import annotations

import pytest
from django.utils import timezone

from branding.models import Brand
from portal.access.models import Session
from portal.delivery.models import Outbound
from portal.sent import listing, owning
from portal.vault import readers
from portal.vault.models import Message, Reader
from tests.grants import change as reseal
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import reader_of, seal, signed_in, words
from tests.sent.browsing import browser, page

pytestmark = pytest.mark.django_db
SECRET = "the knee is fine"


def test_a_sender_sees_subject_recipients_and_that_nobody_opened_it_yet() -> None:
    seal(mail("[secure] Your results", text=SECRET), JONAS, KARIN)
    text = page()
    for said in ("Your results", f"{JONAS} · not opened", f"{KARIN} · not opened", "0 of 2 opened", "Open until"):
        assert said in text
    assert SECRET not in text
    assert "/m/" not in browser().get("/sent/").content.decode().partition("<main")[2], "it leads to no message"


def test_only_what_the_sender_s_own_address_sent_is_listed() -> None:
    """Not what others sent, not what was sent to the sender, and not what only says that it is theirs."""
    other = "ebba@aldervalley.example"
    seal(mail("[secure] Of another", sender=other), JONAS, sender=other)
    seal(mail("[secure] To Maya", sender=other), MAYA, sender=other)
    seal(mail("[secure] In the name of Maya"), JONAS, sender=other)
    assert "No messages yet" in page()
    assert "Of another" in page(other) and "In the name of Maya" in page(other)


def test_a_message_of_another_brand_is_not_listed() -> None:
    seal(mail("[secure] Your results"))
    harbour = Brand.objects.create(slug="harbour", name="Harbour", host="harbour.localhost")
    Message.objects.update(brand=harbour)
    assert "No messages yet" in page()


def test_what_became_of_it_is_told_for_each_recipient() -> None:
    message = seal(mail("[secure] Your results"), JONAS, KARIN, "anna@other.example", "vera@other.example")
    readers.mark_opened(reader_of(message))
    Reader.objects.filter(pk=reader_of(message, KARIN).pk).update(withdrawn_at=timezone.now())
    text = page()
    assert f"{JONAS} · opened" in text and f"{KARIN} · withdrawn" in text
    assert "anna@other.example · not opened" in text
    assert "and 1 more person" in text and "vera" not in text
    assert "1 of 4 opened" in text
    late = Outbound.objects.get(reader=reader_of(message, "anna@other.example"))
    Outbound.objects.filter(pk=late.pk).update(state=Outbound.State.SENT, news=Outbound.News.FAILED)
    assert "anna@other.example · not delivered" in page() and "Not delivered to 1 of 4" in page()


def test_of_what_is_closed_or_withdrawn_no_subject_is_shown() -> None:
    message = seal(mail("[secure] Your results"))
    for change, said in (
        ({"open_until": timezone.now() - timezone.timedelta(days=1)}, "Closed"),
        ({"state": Message.State.WITHDRAWN}, "Withdrawn"),
        ({"state": Message.State.GONE}, "No longer stored"),
    ):
        Message.objects.filter(pk=message.pk).update(**change)
        text = page()
        assert said in text and "(not shown in this list)" in text and "Your results" not in text
        assert JONAS in text


def test_a_subject_needs_the_level_that_the_message_takes() -> None:
    seal(mail("[secure] Quite secret", headers=[("X-Letterlock-Protect", "v=1; level=2")]))
    assert "Quite secret" in page(), "a provider's sign-in is level 2"
    seal(mail("[secure] Very secret", headers=[("X-Letterlock-Protect", "v=1; level=3")]))
    assert "Very secret" not in page()
    reseal(Brand.objects.all(), session_scope="message")
    assert "Quite secret" not in page(), "there one proof opens one message"


def test_subjects_that_cannot_be_opened_now_are_left_out_and_the_list_stays() -> None:
    message = seal(mail("[secure] Your results"))
    Message.objects.filter(pk=message.pk).update(container=b"damaged")
    text = page()
    assert "(not shown in this list)" in text and JONAS in text


def test_it_counts_as_no_opening_and_a_head_or_post_changes_nothing() -> None:
    message = seal(mail("[secure] Your results"))
    client = browser()
    client.get("/sent/")
    client.head("/sent/")
    assert client.post("/sent/").status_code == 405
    assert not Reader.objects.filter(message=message, first_opened_at__isnull=False).exists()


def test_a_reader_s_session_of_the_same_address_shows_nothing_of_it() -> None:
    message = seal(mail("[secure] Your results"))
    text = words(signed_in(reader_of(message, MAYA)).get("/sent/").content)
    assert "Your results" not in text and JONAS not in text


def test_a_page_begins_behind_a_message_and_the_last_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    for number in range(3):
        seal(mail(f"[secure] Number {number}"))
    client = browser()
    first = client.get("/sent/")
    text = words(first.content)
    assert "Number 2" in text and "Number 1" in text and "Number 0" not in text
    assert "Older" in text and "Newest" not in text
    second = words(client.get(first.context["older_url"]).content)
    assert "Number 0" in second and "Number 1" not in second and "Newest" in second and "Older" not in second
    assert "Number 2" in page(query="?after=x") and "Number 2" in page(query="?show=²")


def test_a_page_begins_at_the_sender_s_own_rows_in_their_order() -> None:
    browser()
    plan = (
        owning.of(Session.objects.get().person, Session.objects.get())
        .values_list("message_id", flat=True)[:26]
        .explain()
    )
    assert "reader_by_role" in plan.splitlines()[0] and "TEMP B-TREE" not in plan


def test_filters_are_in_the_url_and_name_nobody() -> None:
    quiet, opened, bounced, gone, soon = (
        seal(mail(f"[secure] {name}")) for name in ("Quiet", "Read", "Back", "Recalled", "Soon")
    )
    readers.mark_opened(reader_of(opened))
    Outbound.objects.filter(message=bounced.pk).update(state=Outbound.State.FAILED)
    Message.objects.filter(pk=gone.pk).update(state=Message.State.WITHDRAWN, withdrawn_at=timezone.now())
    Message.objects.filter(pk=soon.pk).update(open_until=timezone.now() + timezone.timedelta(days=2))
    client = browser()

    def shown(query: str) -> set[object]:
        return {line.url.split("/")[2] for line in client.get(f"/sent/{query}").context["lines"]}

    assert shown("?show=bounced") == {str(bounced.pk)}
    assert shown("?show=withdrawn") == {str(gone.pk)}
    assert shown("?show=closing") == {str(soon.pk)}
    assert str(opened.pk) not in shown("?show=unopened") and str(quiet.pk) in shown("?show=unopened")
    assert "None of your messages fit." in page(query=f"?show=bounced&after={quiet.pk}")


def test_a_filter_looks_through_so_many_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    bounced = seal(mail("[secure] Back"))
    Outbound.objects.filter(message=bounced.pk).update(state=Outbound.State.FAILED)
    for number in range(2):
        seal(mail(f"[secure] Number {number}"))
    monkeypatch.setattr(listing, "LOOKED", 2)
    client = browser()
    first = client.get("/sent/?show=bounced")
    assert "There are older ones to look through." in words(first.content)
    assert "Back" in words(client.get(first.context["older_url"]).content)
